// Notes beside the light viewer: those of the current canvas are listed and marked, as they change.
//
// They come from the pages that the canvas refers to, from this server's search by target, and from a
// subscription, which is right where they differ. `&customer=` and `&container=` of the address name where new
// ones go.

import { Account } from '/static/pages/annotations-account.js';
import { changedAnnotation, newAnnotation, shapesOf } from '/static/pages/annotations-document.js';
import { Editor } from '/static/pages/annotations-editor.js';
import { AnnotationList } from '/static/pages/annotations-list.js';
import { follow } from '/static/pages/annotations-live.js';
import { Overlay } from '/static/pages/annotations-overlay.js';
import {
  authorization, changeAnnotation, deleteAnnotation, makeAnnotation, placeOf, readAnnotation, readPages, searchPath,
} from '/static/pages/annotations-server.js';
import { idOf, list } from '/static/pages/manifest.js';

const element = (id) => document.getElementById(id);
/** Customer of a manifest of this server. */
const CUSTOMER = /^\/(?:(?:iiif|iiif-manifest|iiif-resource)\/(?:v[23]\/)?)?(\d+)\//;
/** Who leafs through a book does not stop at each page. */
const LEAF_MS = 150;

function customerOf(parameters, manifest) {
  const { origin, pathname } = new URL(manifest);
  const found = origin === location.origin ? CUSTOMER.exec(pathname)?.[1] : undefined;
  return Number(parameters.get('customer') ?? found ?? 1) || 1;
}

class Annotations {
  #customer;
  #canvas = null;
  /** By id: `{ id, annotation, place }`; `place` only of what this server keeps. */
  #entries = new Map();
  /** The subscription has told everything: what was read before is older. */
  #isTold = false;
  #unfollow = () => {};
  #leafing;
  /** Credentials with which the page was read. */
  #asker = null;
  #list;
  #overlay;
  #editor;
  #account;

  constructor(viewer, customer, container) {
    this.#customer = customer;
    this.#overlay = new Overlay(viewer, (id) => this.#select(id));
    this.#list = new AnnotationList(element('annotation-list'), {
      select: (id) => this.#select(id, true),
      edit: (entry) => this.#telling(() => this.#edit(entry)),
      remove: (entry) => this.#telling(() => this.#delete(entry)),
      restored: (annotation) => this.#put(annotation, true),
      fail: (sentence) => this.#fail(sentence),
    });
    this.#editor = new Editor(this.#overlay, (draft, text, place) => this.#save(draft, text, place));
    this.#account = new Account({
      customer,
      container,
      onChange: (canWrite) => {
        this.#list.allowWriting(canWrite);
        // What can be read depends on who asks.
        if (this.#asker !== authorization()) this.turnTo(this.#canvas);
      },
      onError: (sentence) => this.#fail(sentence),
    });
    element('annotation-new').addEventListener('click', () => this.#editor.open({ canvas: this.#canvas }));
  }

  begin(canvas) {
    this.turnTo(canvas);
    return this.#account.begin();
  }

  turnTo(canvas) {
    clearTimeout(this.#leafing);
    this.#unfollow();
    this.#unfollow = () => {};
    this.#canvas = canvas;
    this.#asker = authorization();
    this.#entries.clear();
    this.#list.clear();
    this.#overlay.turnTo(canvas);
    this.#editor.turnTo(canvas);
    this.#isTold = false;
    this.#count();
    this.#leafing = setTimeout(() => this.#read(canvas), LEAF_MS);
  }

  #read(canvas) {
    const own = searchPath(this.#customer, idOf(canvas));
    const isOwn = (address) => new URL(address, location.origin).href === new URL(own, location.origin).href;
    const pages = list(canvas.annotations);
    pages.flatMap((page) => list(page.items)).forEach((annotation) => this.#put(annotation, false));
    const others = pages.filter((page) => !page.items && idOf(page)).map(idOf).filter((it) => !isOwn(it));
    this.#telling(() => this.#readPage(canvas, own, true));
    for (const address of others) this.#telling(() => this.#readPage(canvas, address, false));
    this.#unfollow = follow({
      customer: this.#customer,
      target: idOf(canvas),
      authorization: authorization(),
      onChanges: (changes) => this.#told(changes),
      onState: (sentence) => { element('annotations-live').textContent = sentence; },
    });
  }

  async #readPage(canvas, address, isOurs) {
    const annotations = await readPages(address);
    if (this.#canvas !== canvas || (isOurs && this.#isTold)) return;
    annotations.forEach((annotation) => this.#put(annotation, isOurs));
  }

  #told({ whole, changed, gone }) {
    if (whole) {
      this.#isTold = true;
      const there = new Set(changed.map((it) => it.address));
      const ours = [...this.#entries.values()].filter((it) => it.place);
      ours.filter((it) => !there.has(it.id)).forEach((it) => this.#remove(it.id));
    }
    changed.forEach(({ document }) => this.#put(document, true));
    gone.forEach((id) => this.#remove(id));
  }

  #put(annotation, isOurs) {
    const id = idOf(annotation) ?? `#${this.#entries.size}`;
    const known = this.#entries.get(id);
    // What a page of somebody else says of a note of ours is not asked for.
    if (known?.place && !isOurs) return;
    const isKnown = known && Boolean(known.place) === isOurs;
    if (isKnown && JSON.stringify(known.annotation) === JSON.stringify(annotation)) return;
    const entry = { id, annotation, place: isOurs ? placeOf(id) : null };
    this.#entries.set(id, entry);
    this.#list.put(entry);
    this.#overlay.put(id, shapesOf(annotation, this.#canvas));
    this.#count();
  }

  #remove(id) {
    this.#entries.delete(id);
    this.#list.remove(id);
    this.#overlay.remove(id);
    this.#count();
  }

  #count() {
    element('annotations-count').textContent = this.#entries.size === 0 ? 'No notes on this page.' : '';
  }

  #select(id, look = false) {
    this.#list.select(id);
    this.#overlay.select(id);
    if (look) this.#overlay.lookAt(id);
  }

  async #save(draft, text, place) {
    const { annotation } = draft.annotation
      ? await changeAnnotation(draft.path, draft.tag, changedAnnotation(draft.annotation, draft.canvas, text, place))
      : await makeAnnotation(this.#account.containerPath, newAnnotation(draft.canvas, text, place));
    if (draft.canvas !== this.#canvas) return;
    this.#put(annotation, true);
    this.#select(idOf(annotation));
  }

  /** Begins with what the note is now, so that saving can tell whether somebody else was faster. */
  async #edit({ place }) {
    const canvas = this.#canvas;
    const { annotation, tag } = await readAnnotation(place.path);
    if (canvas !== this.#canvas) return;
    this.#editor.open({ canvas, annotation, tag, path: place.path });
  }

  async #delete({ id, place }) {
    const { tag } = await readAnnotation(place.path);
    await deleteAnnotation(place.path, tag);
    this.#remove(id);
    element('annotation-new').focus();
  }

  async #telling(act) {
    this.#fail('');
    try {
      await act();
    } catch (error) {
      this.#fail(error.message);
    }
  }

  #fail(sentence) {
    element('annotations-error').textContent = sentence;
    element('annotations-error').hidden = !sentence;
  }
}

/** Shows the panel where there is room beside the page: before the viewer measures what is left for it. */
export function bindAnnotationsToggle() {
  const toggle = element('annotations-toggle');
  const show = (isShown) => {
    element('annotations').hidden = !isShown;
    toggle.setAttribute('aria-expanded', isShown);
  };
  toggle.addEventListener('click', () => show(element('annotations').hidden));
  show(matchMedia('(min-width: 60rem)').matches);
}

/** Lists and marks the notes of what `viewer` shows. `pages`: its canvases; `manifest`: its address. */
export function openAnnotations(viewer, pages, manifest) {
  const parameters = new URLSearchParams(location.search);
  const container = parameters.get('container')?.trim() || 'notes';
  const annotations = new Annotations(viewer, customerOf(parameters, manifest), container);
  viewer.addHandler('page', (event) => annotations.turnTo(pages[event.page].canvas));
  annotations.begin(pages[0].canvas);
}
