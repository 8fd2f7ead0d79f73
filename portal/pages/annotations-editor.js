// The form in which a note is written or changed, and its place drawn, typed, or left to be the whole page.

import { boxOf, editableText } from '/static/pages/annotations-document.js';

const element = (id) => document.getElementById(id);
const DRAWING_BUTTONS = ['draw-rectangle', 'draw-polygon', 'whole-canvas', 'annotation-box'];
const HINTS = {
  rectangle: 'Drag over the image. Escape gives up.',
  polygon: 'Click each corner, and the last one twice. Escape gives up.',
};

const numbers = ({ x, y, width, height }) => [x, y, width, height].join(', ');
const boxInWords = (place) => (place?.box ? numbers(place.box) : '');

function placeInWords(place) {
  if (place === undefined) return 'Where it was';
  if (place === null) return 'The whole page';
  return place.box ? `A rectangle: ${numbers(place.box)}` : `A polygon with ${place.points.length} corners`;
}

export class Editor {
  #overlay;
  #save;
  /** What is being written: `{ canvas, annotation, tag, path }`; the latter three only of what is changed. */
  #draft = null;
  /** `undefined`: where it was; `null`: the whole canvas. */
  #place = null;
  #canvas = null;

  /** `save(draft, text, place)` throws a sentence if it cannot. */
  constructor(overlay, save) {
    this.#overlay = overlay;
    this.#save = save;
    element('annotation-editor').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    element('annotation-cancel').addEventListener('click', () => this.close());
    element('draw-rectangle').addEventListener('click', () => this.#draw('rectangle'));
    element('draw-polygon').addEventListener('click', () => this.#draw('polygon'));
    element('whole-canvas').addEventListener('click', () => this.#putPlace(null));
    element('annotation-box').addEventListener('change', () => this.#typed());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && overlay.cancel()) this.#putPlace(this.#place);
    });
  }

  open(draft) {
    this.#draft = draft;
    this.#canvas = draft.canvas;
    element('annotation-editor-title').textContent = draft.annotation ? 'Change a note' : 'New note';
    element('annotation-text').value = draft.annotation ? editableText(draft.annotation) : '';
    this.#fail('');
    this.#enable();
    this.#putPlace(draft.annotation ? undefined : null);
    element('annotation-editor').hidden = false;
    element('annotation-new').hidden = true;
    element('annotation-text').focus();
  }

  close() {
    this.#overlay.cancel();
    this.#overlay.sketch(null);
    this.#draft = null;
    element('annotation-editor').hidden = true;
    element('annotation-new').hidden = false;
    element('annotation-new').focus();
  }

  /** What is being written stays with its page; drawing needs that page. */
  turnTo(canvas) {
    this.#canvas = canvas;
    if (this.#draft) this.#enable();
  }

  #enable() {
    const isHere = this.#canvas === this.#draft.canvas;
    for (const id of DRAWING_BUTTONS) element(id).disabled = !isHere;
    this.#overlay.sketch(isHere ? this.#place : null);
  }

  #draw(kind) {
    element('annotation-place').textContent = HINTS[kind];
    this.#overlay.draw(kind, (place) => {
      this.#putPlace(place);
      element('annotation-text').focus();
    });
  }

  #putPlace(place) {
    this.#place = place;
    this.#overlay.cancel();
    this.#overlay.sketch(place);
    element('annotation-place').textContent = placeInWords(place);
    element('annotation-box').value = boxInWords(place);
  }

  /** Takes over what is typed. Returns whether it can be a place. */
  #typed() {
    const text = element('annotation-box').value.trim();
    if (text === boxInWords(this.#place)) return true;
    const isBox = /^\d+(\s*,\s*\d+){3}$/.test(text);
    const box = isBox ? boxOf(`xywh=${text.replaceAll(/\s/g, '')}`, this.#canvas) : null;
    this.#fail(text && !box ? 'A rectangle has four whole numbers, for example 300, 400, 600, 200.' : '');
    if (text && !box) return false;
    this.#putPlace(box ? { box } : null);
    return true;
  }

  #fail(sentence) {
    element('annotation-editor-error').textContent = sentence;
    element('annotation-editor-error').hidden = !sentence;
  }

  async #submit() {
    const text = element('annotation-text').value.trim();
    if (!this.#typed()) return;
    if (!text) {
      this.#fail('A note needs some words.');
      return;
    }
    const button = element('annotation-save');
    button.disabled = true;
    try {
      await this.#save(this.#draft, text, this.#place);
      this.close();
    } catch (error) {
      this.#fail(error.message);
    } finally {
      button.disabled = false;
    }
  }
}
