// One manifest or collection in one Mirador window: thumbnails below, zoom controls, nothing to add or close.

import { loadScript } from '/static/pages/script.js';
import { canvases, members } from '/static/pages/manifest.js';

const WINDOW = 'manifest';

function language(available) {
  const wanted = navigator.languages.flatMap((name) => [name, name.split('-')[0]]);
  return wanted.find((name) => Object.hasOwn(available, name)) ?? 'en';
}

function settings(address, manifest) {
  const many = members(manifest) !== null || canvases(manifest).length > 1;
  return {
    id: 'mirador',
    language: language(window.Mirador.settings.availableLanguages),
    selectedTheme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
    window: { allowClose: false, allowMaximize: false, allowFullscreen: true, sideBarOpen: false },
    windows: [{
      id: WINDOW,
      manifestId: address,
      manifest,
      thumbnailNavigationPosition: many ? 'far-bottom' : 'off',
    }],
    workspace: { showZoomControls: true, allowNewWindows: false },
    workspaceControlPanel: { enabled: false },
    // The 2D canvas draws everywhere, also where WebGL is off or emulated.
    osdConfig: { drawer: 'canvas' },
  };
}

export async function openMirador(address, manifest) {
  await loadScript('/static/mirador/mirador.min.js');
  document.getElementById('mirador').hidden = false;
  const mirador = window.Mirador.viewer(settings(address, manifest));
  return {
    mirador,
    /** The OpenSeadragon viewers on the page; empty until Mirador has made its own. */
    openSeadragons: () => [window.Mirador.OSDReferences.get(WINDOW)?.current].filter(Boolean),
  };
}
