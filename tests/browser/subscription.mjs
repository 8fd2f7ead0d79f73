// A page of ours follows a batch over graphql-transport-ws until it is finished.
//
//   node tests/browser/subscription.mjs BASE KEY:SECRET
//
// Registers a batch whose one origin does not exist, and prints what the subscription told; exits 1 and says why
// if it did not end by itself or said nothing.

import { onCleanPage, run } from './browser.mjs';

const QUERY = 'subscription($id: String!) { batchProgress(id: $id) { count completed errors finished } }';

/** Runs in the page: subscribes, and returns every message's payload once the server says that it is complete. */
async function follow({ address, authorization, query, id }) {
  const socket = new WebSocket(address, 'graphql-transport-ws');
  const told = [];
  const send = (message) => socket.send(JSON.stringify(message));
  return new Promise((done, fail) => {
    socket.onopen = () => send({ type: 'connection_init', payload: { Authorization: authorization } });
    socket.onerror = () => fail(new Error('the socket failed'));
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'connection_ack') {
        send({ id: '1', type: 'subscribe', payload: { query, variables: { id } } });
      } else if (message.type === 'ping') send({ type: 'pong' });
      else if (message.type === 'next') told.push(message.payload);
      else if (message.type === 'error') fail(new Error(JSON.stringify(message.payload)));
      else if (message.type === 'complete') done(told);
    };
  });
}

const [base, key] = process.argv.slice(2);
if (!key) {
  console.error('usage: node tests/browser/subscription.mjs BASE KEY:SECRET');
  process.exit(2);
}
const authorization = `Basic ${Buffer.from(key).toString('base64')}`;

async function submitBatch() {
  // A picture that is not there: refused for good by the first attempt.
  const member = { id: 'followed', space: 1, origin: `${base}/file/1/1/nothing-is-called-like-this` };
  const response = await fetch(`${base}/customers/1/queue`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ '@type': 'Collection', member: [member] }),
  });
  if (response.status !== 201) throw new Error(`the batch was refused: ${await response.text()}`);
  return (await response.json())['@id'].split('/').at(-1);
}

await run((browser) => onCleanPage(browser, base, '/', async (page) => {
  const id = await submitBatch();
  const address = `${base.replace(/^http/, 'ws')}/graphql`;
  const told = await page.evaluate(follow, { address, authorization, query: QUERY, id });
  const last = told.at(-1)?.data?.batchProgress;
  if (!last?.finished || last.errors !== 1) throw new Error(`it ended with ${JSON.stringify(told)}`);
  return { told: told.length, last };
}));
