// The versions of one note: what is different between two of them, and bringing one back.

import { graphql } from '/static/pages/annotations-server.js';

const VERSIONS = `query($customer: Int!, $container: String!, $id: String!, $after: String) {
  annotation(customer: $customer, container: $container, id: $id) {
    editRevision
    history(first: 200, after: $after) { nodes { revision type actor time } pageInfo { hasNextPage endCursor } }
  }
}`;
const DIFFERENCES = `query($customer: Int!, $container: String!, $id: String!, $from: Int!, $to: Int!) {
  annotation(customer: $customer, container: $container, id: $id) {
    differences(from: $from, to: $to) { pointer before after }
  }
}`;
const RESTORE = `mutation($customer: Int!, $container: String!, $id: String!, $revision: Int!, $editRevision: Int!) {
  restoreAnnotation(
    customer: $customer, container: $container, id: $id, revision: $revision, editRevision: $editRevision
  ) { position annotation { document } }
}`;
const NAMES = { '/body/value': 'Text', '/bodyValue': 'Text', '/target': 'Place', '/target/selector/value': 'Place' };

function make(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const shown = (value) => (value === null ? '—' : typeof value === 'string' ? value : JSON.stringify(value, null, 2));

const describe = ({ revision, type, actor, time }) =>
  `${revision + 1}: ${type.replace('annotation.', '')}, ${new Date(time).toLocaleString()}, ${actor}`;

/** A choice of a version, with its label. */
function chooser(label, versions, revision) {
  const options = versions.map((it) => new Option(describe(it), it.revision));
  const select = make('select', { className: 'version' }, ...options);
  select.value = revision;
  return [make('label', {}, label, select), select];
}

function table(differences) {
  if (differences.length === 0) return make('p', {}, 'These two are the same.');
  const head = make('tr', {}, ...['What', 'Before', 'After'].map((it) => make('th', { scope: 'col' }, it)));
  const rows = differences.map(({ pointer, before, after }) => make(
    'tr', {},
    make('th', { scope: 'row' }, NAMES[pointer] ?? pointer),
    make('td', {}, make('del', {}, shown(before))),
    make('td', {}, make('ins', {}, shown(after))),
  ));
  return make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows));
}

/** What the annotation is now, with all its versions; `null`: it is deleted. */
async function readVersions(of) {
  const versions = [];
  for (let after = null; ;) {
    const { annotation } = await graphql(VERSIONS, { ...of, after });
    if (!annotation) return null;
    versions.push(...annotation.history.nodes);
    const { hasNextPage, endCursor } = annotation.history.pageInfo;
    if (!hasNextPage) return { versions, editRevision: annotation.editRevision };
    after = endCursor;
  }
}

/** Fills `box` with the history of the annotation at `place`. `onRestored` gets what it is now. */
export async function showHistory(box, place, { onRestored, onError }) {
  const of = { customer: place.customer, container: place.container, id: place.id };
  const read = await readVersions(of);
  if (!read) {
    box.replaceChildren(make('p', {}, 'It has been deleted meanwhile.'));
    return;
  }
  const { versions, editRevision } = read;
  const last = versions.at(-1).revision;
  const [fromLabel, from] = chooser('Version ', versions, Math.max(0, last - 1));
  const [toLabel, to] = chooser('beside version ', versions, last);
  const differences = make('div', { ariaLive: 'polite' });
  const restore = make('button', { type: 'button' });

  const compare = async () => {
    restore.textContent = `Restore version ${Number(from.value) + 1}`;
    restore.disabled = Number(from.value) === last;
    const asked = { ...of, from: Number(from.value), to: Number(to.value) };
    const answer = await graphql(DIFFERENCES, asked);
    // An answer that comes late is not shown over a newer one.
    const isStill = Number(from.value) === asked.from && Number(to.value) === asked.to;
    if (isStill) differences.replaceChildren(table(answer.annotation?.differences ?? []));
  };
  const bringBack = async () => {
    const revision = Number(from.value);
    const answer = await graphql(RESTORE, { ...of, revision, editRevision });
    const now = answer.restoreAnnotation.annotation?.document;
    if (now) onRestored(now);
  };
  const telling = (act) => () => act().catch((error) => onError(error.message));
  from.addEventListener('change', telling(compare));
  to.addEventListener('change', telling(compare));
  restore.addEventListener('click', telling(bringBack));
  box.replaceChildren(fromLabel, toLabel, differences, restore);
  await compare();
}
