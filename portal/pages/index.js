// The start page works without this script; it only adds the live state of the server.

const health = document.getElementById('health');

async function showHealth() {
  let ready = false;
  try {
    ready = (await fetch('/health/ready', { cache: 'no-store' })).ok;
  } catch {
    // Unreachable is "not ready" too.
  }
  health.dataset.state = ready ? 'ready' : 'not-ready';
  health.textContent = ready ? 'The server is ready.' : 'The server is not ready.';
}

showHealth();
