// The light viewer: the canvases of a manifest as a sequence of pages in OpenSeadragon, with notes beside them.

import { bindAnnotationsToggle, openAnnotations } from '/static/pages/annotations.js';
import { loadScript } from '/static/pages/script.js';
import { canvases, text, tileSource, title } from '/static/pages/manifest.js';

const element = (id) => document.getElementById(id);

function readPages(manifest) {
  return canvases(manifest)
    .map((canvas, index) => ({ canvas, label: text(canvas.label) || `${index + 1}`, source: tileSource(canvas) }))
    .filter((page) => page.source !== null);
}

function createViewer(pages) {
  return window.OpenSeadragon({
    element: element('openseadragon'),
    tileSources: pages.map((page) => page.source),
    sequenceMode: true,
    showSequenceControl: false,
    showNavigationControl: false,
    drawer: 'canvas',
    crossOriginPolicy: 'Anonymous',
    maxZoomPixelRatio: 4,
    visibilityRatio: 0.5,
    animationTime: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 0.6,
  });
}

function bindPageButtons(viewer, pages) {
  const chooser = element('page');
  chooser.replaceChildren(...pages.map((page, index) => new Option(page.label, index)));
  const show = (index) => {
    chooser.value = index;
    element('previous').disabled = index === 0;
    element('next').disabled = index === pages.length - 1;
    element('page-error').hidden = true;
  };
  chooser.addEventListener('change', () => viewer.goToPage(Number(chooser.value)));
  element('previous').addEventListener('click', () => viewer.goToPage(viewer.currentPage() - 1));
  element('next').addEventListener('click', () => viewer.goToPage(viewer.currentPage() + 1));
  viewer.addHandler('page', (event) => show(event.page));
  show(0);
}

function bindZoomButtons(viewer) {
  const zoom = (factor) => viewer.viewport.zoomBy(factor).applyConstraints();
  element('zoom-in').addEventListener('click', () => zoom(1.6));
  element('zoom-out').addEventListener('click', () => zoom(1 / 1.6));
  element('whole-page').addEventListener('click', () => viewer.viewport.goHome());
}

function showPageError(event) {
  const box = element('page-error');
  box.textContent = `This page's image cannot be opened: ${event.message}`;
  box.hidden = false;
}

export async function openPages(address, manifest) {
  const pages = readPages(manifest);
  if (pages.length === 0) throw new Error('no canvas of the manifest has an image');
  await loadScript('/static/openseadragon/openseadragon.min.js');
  element('pages').hidden = false;
  element('pages-title').textContent = title(manifest);
  bindAnnotationsToggle();
  const viewer = createViewer(pages);
  viewer.addHandler('open-failed', showPageError);
  bindPageButtons(viewer, pages);
  bindZoomButtons(viewer);
  openAnnotations(viewer, pages, address);
  return { openSeadragons: () => [viewer] };
}
