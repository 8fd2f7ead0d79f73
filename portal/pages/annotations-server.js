// What the notes of a page ask of this server; and of others, but then without credentials.
//
// `KEY:SECRET` is kept for this tab only, and is sent to this server only: never with a cookie, and
// never to where an annotation or a manifest says.

const STORED = 'dlcs-key';
const JSON_LD = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"';
/** Pages of annotations that are read of one reference. */
const PAGES_MAX = 10;

/** A sentence for the reader. */
export class AnnotationError extends Error {}

const SENTENCES = {
  401: 'The server does not know these credentials.',
  403: 'These credentials do not allow that.',
  404: 'It is not there.',
  409: 'Something else is in the way there.',
  410: 'It has been deleted meanwhile.',
  412: 'Somebody else has changed this note meanwhile, so nothing was changed.',
  413: 'This is too long for the server.',
  507: 'The server has no room left.',
};

export const signedIn = () => sessionStorage.getItem(STORED) !== null;
export const signIn = (key) => sessionStorage.setItem(STORED, key);
export const signOut = () => sessionStorage.removeItem(STORED);

/** The value of `Authorization`, or `null`. */
export function authorization() {
  const key = sessionStorage.getItem(STORED);
  if (key === null) return null;
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(key)))}`;
}

const isOurs = (address) => new URL(address, location.origin).origin === location.origin;

async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  const known = SENTENCES[answer.status];
  return new AnnotationError(known ?? `The server answers ${answer.status}: ${problem.detail ?? answer.statusText}.`);
}

async function ask(address, method = 'GET', headers = {}, body = undefined) {
  const own = isOurs(address) && authorization();
  const all = own ? { ...headers, Authorization: own } : headers;
  let answer;
  try {
    answer = await fetch(address, { method, headers: all, body: body && JSON.stringify(body), credentials: 'omit' });
  } catch {
    throw new AnnotationError(`${new URL(address, location.origin).host} does not answer.`);
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

/** Reads an annotation page, and those that follow it. */
export async function readPages(address) {
  const annotations = [];
  let next = address;
  for (let page = 0; next && page < PAGES_MAX; page += 1) {
    const document = await (await ask(next)).json().catch(() => ({}));
    annotations.push(...(document.items ?? document.resources ?? []));
    next = typeof document.next === 'string' ? document.next : document.next?.id;
  }
  return annotations;
}

const read = async (answer) => ({ annotation: await answer.json(), tag: answer.headers.get('ETag') });

export const containerPath = (customer, container) => `/annotations/w3c/${customer}/${encodeURIComponent(container)}/`;
export const searchPath = (customer, target) => `/annotations/w3c/${customer}/?${new URLSearchParams({ target })}`;

/** Customer, container and id of an annotation that this server keeps, by its address; `null`: it is no such address. */
export function placeOf(address) {
  const found = /^\/annotations\/w3c\/(\d+)\/([^/]+)\/([^/]+)$/.exec(new URL(address, location.origin).pathname);
  if (!found) return null;
  const [path, customer, container, id] = found;
  return { path, customer: Number(customer), container: decodeURIComponent(container), id: decodeURIComponent(id) };
}

export const readAnnotation = async (path) => read(await ask(path));

export const makeAnnotation = async (container, annotation) =>
  read(await ask(container, 'POST', { 'Content-Type': JSON_LD }, annotation));

export const changeAnnotation = async (path, tag, annotation) =>
  read(await ask(path, 'PUT', { 'Content-Type': JSON_LD, 'If-Match': tag }, annotation));

export const deleteAnnotation = (path, tag) => ask(path, 'DELETE', { 'If-Match': tag });

export const makeContainer = (path, label) =>
  ask(path, 'PUT', { 'Content-Type': JSON_LD, 'If-None-Match': '*' }, { type: ['BasicContainer', 'AnnotationCollection'], label });

/** Asks by GraphQL; an error of it becomes a sentence. */
export async function graphql(query, variables) {
  const answer = await ask('/graphql', 'POST', { 'Content-Type': 'application/json' }, { query, variables });
  const { data, errors } = await answer.json();
  if (!errors) return data;
  const [{ message, extensions }] = errors;
  throw new AnnotationError(extensions?.code === 'precondition-failed' ? SENTENCES[412] : `The server answers: ${message.replace(/\.$/, '')}.`);
}
