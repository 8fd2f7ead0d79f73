// The viewer page: `/view?manifest=URL`, and `&viewer=openseadragon` for the light one. A collection is shown, too.
//
// Reads the manifest once, so that a bad address gives a sentence and not an empty window,
// then hands it to the viewer. What a manifest says is shown as text, never as markup.
// `window.dlcsViewer` tells tests and other scripts what is on the page.

import { openMirador } from '/static/pages/view-mirador.js';
import { openPages } from '/static/pages/view-pages.js';
import { canvases, members, title } from '/static/pages/manifest.js';

const VIEWERS = { mirador: openMirador, openseadragon: openPages };
const COLLECTION_VIEWERS = { mirador: openMirador, openseadragon: openMembers };

/** A sentence for the reader: what went wrong, and what can be done. */
class ViewError extends Error {}

function manifestAddress(parameters) {
  const given = parameters.get('manifest')?.trim();
  if (!given) {
    throw new ViewError('No manifest is named. Give its address: /view?manifest=https://…');
  }
  let address;
  try {
    address = new URL(given, location.origin);
  } catch {
    throw new ViewError(`“${given}” is not an address.`);
  }
  if (!['http:', 'https:'].includes(address.protocol)) {
    throw new ViewError(`A manifest's address starts with http:// or https://, not ${address.protocol}`);
  }
  return address.href;
}

function chosenViewer(parameters) {
  const name = parameters.get('viewer') ?? 'mirador';
  if (!Object.hasOwn(VIEWERS, name)) {
    throw new ViewError(`There is no viewer “${name}”. There are: ${Object.keys(VIEWERS).join(', ')}.`);
  }
  return name;
}

async function readManifest(address) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new ViewError(`${address} does not answer, or does not allow other sites to read it.`);
  }
  if (!answer.ok) {
    throw new ViewError(`${address} answers ${answer.status} ${answer.statusText}.`);
  }
  try {
    return await answer.json();
  } catch {
    throw new ViewError(`${address} is not JSON.`);
  }
}

/** The light viewer leads on from a collection to what is in it. */
function openMembers(address, collection) {
  const heading = document.createElement('h1');
  heading.textContent = title(collection);
  const items = members(collection).map(({ id, label }) => {
    const link = document.createElement('a');
    link.href = `/view?${new URLSearchParams({ manifest: id, viewer: 'openseadragon' })}`;
    link.textContent = label;
    const item = document.createElement('li');
    item.append(link);
    return item;
  });
  const all = document.createElement('ol');
  all.append(...items);
  const box = document.getElementById('members');
  box.hidden = false;
  box.replaceChildren(heading, all);
  return { openSeadragons: () => [] };
}

function showError(error) {
  const heading = document.createElement('h1');
  heading.textContent = 'The manifest cannot be shown';
  const sentence = document.createElement('p');
  sentence.textContent = error instanceof ViewError ? error.message : `The viewer failed: ${error.message}`;
  const back = document.createElement('a');
  back.href = '/';
  back.textContent = 'Choose another one';
  const box = document.getElementById('error');
  box.hidden = false;
  box.replaceChildren(heading, sentence, back);
}

async function open() {
  const parameters = new URLSearchParams(location.search);
  const address = manifestAddress(parameters);
  const name = chosenViewer(parameters);
  const manifest = await readManifest(address);
  const isCollection = members(manifest) !== null;
  if (!isCollection && canvases(manifest).length === 0) {
    throw new ViewError(`${address} is not a IIIF manifest with at least one canvas, and no collection.`);
  }
  document.title = title(manifest);
  const viewer = await (isCollection ? COLLECTION_VIEWERS : VIEWERS)[name](address, manifest);
  window.dlcsViewer = { name, manifest, ...viewer };
}

try {
  await open();
} catch (error) {
  showError(error);
} finally {
  document.getElementById('loading').hidden = true;
}
