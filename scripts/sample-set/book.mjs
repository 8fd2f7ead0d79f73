// Sets the sample book: a title page and five pages of text, as ink on nothing. `paper.mjs` makes scans of them.

import { CHAPTERS, IMPRINT, LAST_WORDS, SUBTITLE, TITLE } from './book-text.mjs';
import { Ink } from './canvas.mjs';
import { sequence } from './noise.mjs';
import { HEIGHT, WIDTH, scanPage } from './paper.mjs';
import { Face, breakLines } from './type.mjs';

const LEFT = 225;
const MEASURE = 1150;
const TOP = 400;
const LEADING = 77;
const LINES = 20;
const INDENT = 56;
const PAGES = 6;

const FACES = {
  body: new Face(58),
  head: new Face(34, 16),
  heading: new Face(62, 6),
  initial: new Face(186),
  title: new Face(150, 4),
  subtitle: new Face(60, 2),
};

/** Every line of the book in order: `{kind: 'heading'|'text'|'space', …}`. */
function bookLines() {
  const lines = [];
  for (const { heading, paragraphs } of CHAPTERS) {
    lines.push({ kind: 'heading', text: heading }, { kind: 'space' });
    paragraphs.forEach((paragraph, index) => lines.push(...paragraphLines(paragraph, index === 0)));
    lines.push({ kind: 'space' }, { kind: 'space' });
  }
  return lines;
}

function paragraphLines(paragraph, opensChapter) {
  const initial = opensChapter ? paragraph[0] : '';
  const shift = (line) => {
    if (opensChapter) return line < 2 ? FACES.initial.width(initial) + 8 : 0;
    return line === 0 ? INDENT : 0;
  };
  const lines = breakLines(FACES.body, paragraph.slice(initial.length), (line) => MEASURE - shift(line));
  return lines.map((line, index) => ({
    kind: 'text', ...line, shift: shift(index), initial: index === 0 ? initial : '',
  }));
}

/** A heading stays with what follows; a page does not begin with empty lines. */
function paginate(lines) {
  const pages = [[]];
  for (const [index, line] of lines.entries()) {
    const page = pages.at(-1);
    const needed = line.kind === 'heading' || line.initial ? 6 : 1;
    const isFull = page.length + Math.min(needed, lines.length - index) > LINES;
    if (isFull && line.kind !== 'space') pages.push([line]);
    else if (page.length > 0 || line.kind !== 'space') page.push(line);
  }
  return pages;
}

function setLine(ink, line, y) {
  if (line.kind === 'heading') FACES.heading.drawCentred(ink, line.text, LEFT + MEASURE / 2, y + 6);
  if (line.kind !== 'text') return;
  const spaces = line.text.split(' ').length - 1;
  const slack = MEASURE - line.shift - FACES.body.width(line.text);
  const stretch = line.isLast || spaces === 0 ? 0 : slack / spaces;
  FACES.body.draw(ink, line.text, LEFT + line.shift, y, stretch);
  if (line.initial) FACES.initial.draw(ink, line.initial, LEFT - 4, y + LEADING);
}

function setTextPage(lines, number) {
  const ink = new Ink(WIDTH, HEIGHT);
  FACES.head.drawCentred(ink, TITLE.join(' ').toUpperCase(), LEFT + MEASURE / 2, 270);
  ink.line(LEFT, 302, LEFT + MEASURE, 302, 2);
  lines.forEach((line, index) => setLine(ink, line, TOP + index * LEADING));
  FACES.subtitle.drawCentred(ink, `${number}`, LEFT + MEASURE / 2, HEIGHT - 130);
  return ink;
}

function drawBook(ink, left, top, width, height, isDark) {
  ink.rectangle(left, top, width, height, 3);
  const step = isDark ? 5 : 9;
  const until = isDark ? width - 4 : width * 0.4;
  for (let x = 4; x < until; x += step) ink.line(left + x, top + 4, left + x, top + height - 4, 1.6, 0.85);
  for (const share of [0.16, 0.24, 0.78]) {
    ink.line(left + 2, top + height * share, left + width - 2, top + height * share, 3);
  }
}

function drawShelf(ink, left, top, width, random) {
  const height = 190;
  ink.line(left, top + height, left + width, top + height, 7);
  let x = left + 8;
  while (x < left + width - 60) {
    const thick = 24 + random() * 34;
    const tall = 110 + random() * 66;
    drawBook(ink, x, top + height - tall - 4, thick, tall, random() < 0.5);
    x += thick + 5 + (random() < 0.12 ? 40 : 0);
  }
}

function drawOrnament(ink, x, y, size) {
  ink.line(x - size, y, x - size * 0.25, y, 3);
  ink.line(x + size * 0.25, y, x + size, y, 3);
  ink.circle(x, y, size * 0.12, 4);
  ink.disc(x, y, size * 0.05);
}

function setTitlePage() {
  const ink = new Ink(WIDTH, HEIGHT);
  const random = sequence(1871);
  const middle = WIDTH / 2;
  ink.rectangle(150, 160, WIDTH - 300, HEIGHT - 330, 7);
  ink.rectangle(168, 178, WIDTH - 336, HEIGHT - 366, 2);
  TITLE.forEach((line, index) => FACES.title.drawCentred(ink, line, middle, 480 + index * 190));
  drawOrnament(ink, middle, 770, 220);
  FACES.subtitle.drawCentred(ink, SUBTITLE, middle, 880);
  for (let shelf = 0; shelf < 3; shelf += 1) drawShelf(ink, 360, 1010 + shelf * 240, WIDTH - 720, random);
  ink.rectangle(345, 985, WIDTH - 690, 705, 6);
  FACES.head.drawCentred(ink, IMPRINT.toUpperCase(), middle, 1860);
  return ink;
}

function setLastWords(ink, lines) {
  const y = TOP + (lines.length + 2) * LEADING;
  drawOrnament(ink, LEFT + MEASURE / 2, y, 200);
  FACES.subtitle.drawCentred(ink, LAST_WORDS, LEFT + MEASURE / 2, y + 100);
}

function typesetBook() {
  const pages = paginate(bookLines());
  while (pages.at(-1).at(-1)?.kind === 'space') pages.at(-1).pop();
  if (pages.length !== PAGES - 1) throw new Error(`the book's text fills ${pages.length} pages, not ${PAGES - 1}`);
  const set = pages.map((lines, index) => setTextPage(lines, index + 2));
  setLastWords(set.at(-1), pages.at(-1));
  return [setTitlePage(), ...set];
}

/** The pages one after another, as rasters of 1600 × 2200. */
export function* bookPages() {
  const pages = typesetBook();
  for (const [index, ink] of pages.entries()) {
    const behind = index % 2 === 0 ? pages[index + 1] : pages[index - 1];
    yield scanPage(ink, behind, index + 1);
  }
}
