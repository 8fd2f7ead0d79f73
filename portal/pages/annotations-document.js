// Reads what the page shows out of a Web Annotation, and writes one. Asks nobody; what is strange is left out.

import { idOf, list } from '/static/pages/manifest.js';

const CONTEXT = 'http://www.w3.org/ns/anno.jsonld';
const MEDIA_FRAGMENTS = 'http://www.w3.org/TR/media-frags/';
const FRAGMENT = /(?:^|&)xywh=(?:(pixel|percent):)?([\d.]+),([\d.]+),([\d.]+),([\d.]+)/;
/** Shapes of a drawing, each with the attributes that are its geometry. Nothing else is taken over. */
const SHAPES = {
  circle: ['cx', 'cy', 'r'],
  ellipse: ['cx', 'cy', 'rx', 'ry'],
  line: ['x1', 'y1', 'x2', 'y2'],
  path: ['d'],
  polygon: ['points'],
  polyline: ['points'],
  rect: ['x', 'y', 'width', 'height'],
};

/** Words of markup, without the markup: a document of the parser's own loads and runs nothing. */
function words(value, format) {
  const { body } = new DOMParser().parseFromString(value, 'text/html');
  const isMarkup = format === 'text/html' || (!format && body.childElementCount > 0);
  return isMarkup ? body.textContent : value;
}

function bodyText(body) {
  if (typeof body === 'string') return body;
  if (typeof body?.value === 'string') return words(body.value, body.format);
  return idOf(body) ?? '';
}

/** What an annotation says, as plain text. */
export const textOf = (annotation) =>
  [annotation.bodyValue, ...list(annotation.body).map(bodyText)].filter(Boolean).join('\n');

/** The one text that can be changed in a text field, as it is kept; `null`: there is none, or several. */
export function editableText(annotation) {
  const bodies = list(annotation.body);
  if (bodies.length === 0) return annotation.bodyValue ?? null;
  return bodies.length === 1 && typeof bodies[0]?.value === 'string' ? bodies[0].value : null;
}

/** The box of a media fragment, in units of the canvas. */
export function boxOf(fragment, canvas) {
  const [, unit, ...numbers] = FRAGMENT.exec(fragment ?? '') ?? [];
  const [x, y, width, height] = numbers.map(Number);
  if (!(width > 0 && height > 0)) return null;
  if (unit !== 'percent') return { x, y, width, height };
  const [across, down] = [(canvas.width ?? 0) / 100, (canvas.height ?? 0) / 100];
  return { x: x * across, y: y * down, width: width * across, height: height * down };
}

const rectangle = (box) => [{ name: 'rect', attributes: box }];

function drawing(svg) {
  const root = new DOMParser().parseFromString(svg, 'image/svg+xml');
  return Object.entries(SHAPES).flatMap(([name, names]) => (
    [...root.getElementsByTagName(name)].map((shape) => {
      const given = names.filter((it) => shape.hasAttribute(it)).map((it) => [it, shape.getAttribute(it)]);
      return { name, attributes: Object.fromEntries(given) };
    })
  ));
}

function selected(selector, canvas) {
  if (selector?.type === 'SvgSelector') return drawing(String(selector.value ?? ''));
  const box = selector?.type === 'FragmentSelector' ? boxOf(selector.value, canvas) : null;
  return box ? rectangle(box) : [];
}

/** What an annotation marks on a canvas: shapes, `{ name, attributes }`; none when it is about all of it. */
export function shapesOf(annotation, canvas) {
  return list(annotation.target ?? annotation.on).flatMap((target) => {
    const source = target?.source ?? target;
    const [address, fragment] = String(typeof source === 'string' ? source : idOf(source) ?? '').split('#');
    if (address !== idOf(canvas)) return [];
    const selectors = list(target?.selector);
    if (selectors.length > 0) return selected(selectors[0], canvas);
    const box = boxOf(fragment, canvas);
    return box ? rectangle(box) : [];
  });
}

/** A place that was drawn or typed, as a selector: `{ box }`, `{ points }`, or `null` for the whole canvas. */
function selectorOf({ box, points }) {
  if (points) {
    const value = `<svg xmlns="http://www.w3.org/2000/svg"><polygon points="${points.map((it) => it.join(',')).join(' ')}"/></svg>`;
    return { type: 'SvgSelector', value };
  }
  const value = `xywh=${[box.x, box.y, box.width, box.height].join(',')}`;
  return { type: 'FragmentSelector', conformsTo: MEDIA_FRAGMENTS, value };
}

const targetOf = (canvas, place) =>
  (place ? { type: 'SpecificResource', source: idOf(canvas), selector: selectorOf(place) } : idOf(canvas));

/** A note on a canvas, or on a part of it. */
export const newAnnotation = (canvas, text, place) => ({
  '@context': CONTEXT,
  type: 'Annotation',
  motivation: 'commenting',
  body: { type: 'TextualBody', value: text, format: 'text/plain' },
  target: targetOf(canvas, place),
});

/** The same annotation with another text, and elsewhere if `place` is given: everything else is kept. */
export function changedAnnotation(annotation, canvas, text, place) {
  const changed = structuredClone(annotation);
  if (list(changed.body).length === 0) changed.bodyValue = text;
  else list(changed.body)[0].value = text;
  if (place !== undefined) changed.target = targetOf(canvas, place);
  return changed;
}
