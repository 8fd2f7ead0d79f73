// The page's whole program: shows `?manifest=`, and lets tests reach what draws it.

import Viewer from '@samvera/clover-iiif/viewer';
import OpenSeadragon from 'openseadragon';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

const options = {
  canvasHeight: '700px',
  informationPanel: { open: true, renderContentSearch: true },
  showIIIFBadge: false,
};
const iiifContent = new URLSearchParams(location.search).get('manifest');
createRoot(document.getElementById('clover')).render(createElement(Viewer, { iiifContent, options }));

/** Returns what draws the canvas; nothing before it is there. */
window.drawing = () => {
  const container = document.querySelector('.openseadragon-container');
  return container && OpenSeadragon.getViewer(container.parentElement);
};
