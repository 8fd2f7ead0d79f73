// Follows the annotations on a canvas over graphql-transport-ws, and connects again with growing pauses.

const QUERY = `subscription($customer: Int!, $target: String!) {
  annotationChanges(customer: $customer, target: $target) {
    whole changed { address document } gone
  }
}`;
/** Codes of what passes by itself. */
const PASSING = ['internal', 'unavailable'];
const PAUSE_FIRST_MS = 500;
const PAUSE_AT_MOST_MS = 30_000;
/** The server closes a line on which nothing is said for a minute. */
const PING_EVERY_MS = 20_000;

function address() {
  const endpoint = new URL('/graphql', location.href);
  endpoint.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';
  return endpoint.href;
}

/** Closing a line that is not open yet would make the browser complain. */
function close(socket) {
  socket.onmessage = null;
  socket.onclose = null;
  if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
  else socket.close();
}

/** One line: says who asks, subscribes, and hands on what is told. `onEnd` is called once, when it is over. */
function connect({ customer, target, authorization, onChanges, onEnd }) {
  const socket = new WebSocket(address(), 'graphql-transport-ws');
  const send = (message) => socket.send(JSON.stringify(message));
  const pings = setInterval(() => socket.readyState === WebSocket.OPEN && send({ type: 'ping' }), PING_EVERY_MS);
  const end = (sentence) => {
    clearInterval(pings);
    close(socket);
    onEnd(sentence);
  };
  const refused = (error) => end(PASSING.includes(error?.extensions?.code) ? null : error?.message ?? 'it was refused');
  const told = ({ errors, data }) => (errors ? refused(errors[0]) : onChanges(data.annotationChanges));
  socket.onopen = () => send({ type: 'connection_init', payload: authorization ? { Authorization: authorization } : {} });
  socket.onclose = () => end(null);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'connection_ack') {
      send({ id: '1', type: 'subscribe', payload: { query: QUERY, variables: { customer, target } } });
    } else if (message.type === 'ping') send({ type: 'pong' });
    else if (message.type === 'next') told(message.payload);
    else if (message.type === 'error') refused(message.payload[0]);
    else if (message.type === 'complete') end(null);
  };
  return () => {
    clearInterval(pings);
    close(socket);
  };
}

/**
 * Tells `onChanges` everything on `target` and then each change; after a break everything again.
 * `onState` gets a sentence for the reader. Returns what ends it.
 */
export function follow({ onChanges, onState, ...what }) {
  let pause = PAUSE_FIRST_MS;
  let timer;
  let stop = () => {};
  const begin = () => {
    stop = connect({
      ...what,
      onChanges(changes) {
        pause = PAUSE_FIRST_MS;
        onState('Changes of others appear by themselves.');
        onChanges(changes);
      },
      onEnd(refused) {
        if (refused) {
          onState(`Changes of others do not appear: ${refused.replace(/\.$/, '')}.`);
          return;
        }
        onState(`The line to the server is broken. Trying again in ${Math.ceil(pause / 1000)} s.`);
        // Not everybody comes back at the same moment.
        timer = setTimeout(begin, pause * (0.75 + Math.random() / 2));
        pause = Math.min(pause * 2, PAUSE_AT_MOST_MS);
      },
    });
  };
  begin();
  return () => {
    clearTimeout(timer);
    stop();
  };
}
