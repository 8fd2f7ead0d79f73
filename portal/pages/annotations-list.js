// The notes of a page as a list: each with its words, by whom and when, and what can be done with it.

import { editableText, textOf } from '/static/pages/annotations-document.js';
import { showHistory } from '/static/pages/annotations-history.js';
import { list } from '/static/pages/manifest.js';

const LABEL_LENGTH_MAX = 40;

function button(label, action, about, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = label;
  made.dataset.action = action;
  made.setAttribute('aria-label', `${label}: ${about}`);
  made.addEventListener('click', () => act(made));
  return made;
}

function shortened(text) {
  return text.length > LABEL_LENGTH_MAX ? `${text.slice(0, LABEL_LENGTH_MAX)}…` : text;
}

function byWhomAndWhen({ creator, created, modified }) {
  const names = list(creator).map((it) => it?.name ?? it?.nickname ?? it?.id ?? it).filter((it) => typeof it === 'string');
  const time = new Date(modified ?? created ?? NaN);
  const told = Number.isNaN(time.valueOf()) ? [] : [`${modified ? 'changed' : 'written'} ${time.toLocaleString()}`];
  return [...names, ...told].join(', ');
}

export class AnnotationList {
  #box;
  #acts;
  /** By id of the annotation: `{ item, head, history, entry }`. */
  #rows = new Map();
  #canWrite = false;

  /** `acts`: `select(id)`, `edit(entry)`, `remove(entry)`, `restored(document)`, `fail(sentence)`. */
  constructor(box, acts) {
    this.#box = box;
    this.#acts = acts;
  }

  get size() {
    return this.#rows.size;
  }

  allowWriting(canWrite) {
    this.#canWrite = canWrite;
    this.#rows.forEach((row) => this.#fill(row));
  }

  /** Shows an annotation, in the place that it had. */
  put(entry) {
    const known = this.#rows.get(entry.id);
    const row = known ?? this.#row(entry.id);
    row.entry = entry;
    this.#fill(row);
    if (!row.history.hidden) this.#showHistory(row);
  }

  remove(id) {
    this.#rows.get(id)?.item.remove();
    this.#rows.delete(id);
  }

  clear() {
    [...this.#rows.keys()].forEach((id) => this.remove(id));
  }

  /** Marks one, and brings it into sight. */
  select(id) {
    for (const [it, { item, head }] of this.#rows) {
      head.querySelector('.words').setAttribute('aria-pressed', it === id);
      if (it === id) item.scrollIntoView({ block: 'nearest' });
    }
  }

  #row(id) {
    const item = document.createElement('li');
    const head = document.createElement('div');
    const history = document.createElement('section');
    history.hidden = true;
    history.className = 'history';
    history.setAttribute('aria-label', 'Versions');
    item.append(head, history);
    this.#box.append(item);
    const row = { item, head, history, entry: null };
    this.#rows.set(id, row);
    return row;
  }

  #fill(row) {
    const { head, entry } = row;
    const focused = head.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    const isPressed = head.querySelector('.words')?.getAttribute('aria-pressed') ?? 'false';
    const text = textOf(entry.annotation) || 'Without words';
    const words = button(text, 'select', '', () => this.#acts.select(entry.id));
    words.removeAttribute('aria-label');
    words.className = 'words';
    words.setAttribute('aria-pressed', isPressed);
    const about = document.createElement('p');
    about.className = 'quiet';
    about.textContent = byWhomAndWhen(entry.annotation);
    head.replaceChildren(words, about, ...this.#buttons(row, shortened(text)));
    head.querySelector(`[data-action="${focused}"]`)?.focus();
  }

  #buttons(row, about) {
    if (!this.#canWrite || !row.entry.place) return [];
    const { entry, history } = row;
    const group = document.createElement('div');
    group.className = 'actions';
    const isEditable = editableText(entry.annotation) !== null;
    if (isEditable) group.append(button('Edit', 'edit', about, () => this.#acts.edit(entry)));
    const versions = button('History', 'history', about, (it) => {
      history.hidden = !history.hidden;
      it.setAttribute('aria-expanded', !history.hidden);
      if (!history.hidden) this.#showHistory(row);
    });
    versions.setAttribute('aria-expanded', !history.hidden);
    group.append(versions, button('Delete', 'delete', about, (it) => this.#confirm(it, entry, about)));
    return [group];
  }

  /** The first click asks, the second one does it. */
  #confirm(first, entry, about) {
    const second = button('Really delete', 'delete', about, () => this.#acts.remove(entry));
    second.className = 'danger';
    second.addEventListener('blur', () => second.isConnected && second.replaceWith(first));
    first.replaceWith(second);
    second.focus();
  }

  async #showHistory({ history, entry }) {
    const acts = { onRestored: this.#acts.restored, onError: this.#acts.fail };
    try {
      await showHistory(history, entry.place, acts);
    } catch (error) {
      this.#acts.fail(error.message);
    }
  }
}
