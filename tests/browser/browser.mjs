// One clean browser for the page tests: starts Chromium, keeps what it complained about and asked for.
//
// A page is clean when its console has no error and no warning, no request failed or was answered
// with an error, and no request went to another host than the server's.

import { createRequire } from 'node:module';

const require = createRequire(new URL('../../portal/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const ARGUMENTS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Console messages (regular expressions) that are not about our pages, each with its reason. */
const ALLOWED_MESSAGES = [
  // The tests read what a viewer has drawn again and again, until it is there; Chromium advises against that.
  /^Canvas2D: Multiple readback operations using getImageData/,
];

export const TIMEOUT_MS = 60_000;

/** Nothing but what is our own. */
const NOTHING = { origins: [], messages: [], requests: [] };

/** What a page did wrong: filled while it is used. `allowed` is for pages that are not ours. */
function watch(page, origin, allowed) {
  const report = { messages: [], failedRequests: [], foreignRequests: [], imageResponses: 0 };
  const origins = [origin, ...allowed.origins];
  const isOwn = (address) => origins.some((it) => address.startsWith(`${it}/`)) || /^(data|blob):/.test(address);
  const isKnown = (address) => allowed.requests.some((it) => it.test(address));
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    const known = [...ALLOWED_MESSAGES, ...allowed.messages];
    if (!known.some((it) => it.test(message.text())) && !isKnown(message.location().url)) {
      report.messages.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => report.messages.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    if (!isOwn(request.url())) report.foreignRequests.push(request.url());
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(origin).host) report.foreignRequests.push(socket.url());
  });
  page.on('requestfailed', (request) => {
    // A viewer drops tiles that went out of sight; that is no failure.
    const error = request.failure()?.errorText;
    if (error !== 'net::ERR_ABORTED') report.failedRequests.push(`${request.url()}: ${error}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) {
      if (!isKnown(response.url())) report.failedRequests.push(`${response.url()}: ${response.status()}`);
    } else if (response.url().startsWith(`${origin}/iiif-img/`) && !response.url().endsWith('/info.json')) {
      report.imageResponses += 1;
    }
  });
  return report;
}

function complaints(report) {
  return [
    ...report.messages.map((message) => `console: ${message}`),
    ...report.failedRequests.map((request) => `failed request: ${request}`),
    ...report.foreignRequests.map((request) => `request to another host: ${request}`),
  ];
}

/**
 * Opens a page, gives it to `use(page, report)`, and throws when it was not clean. Returns what `use` returns.
 * `prepare(page)` comes before anything is loaded.
 */
export async function onCleanPage(browser, base, path, use, allowed = NOTHING, prepare = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const report = watch(page, new URL(base).origin, allowed);
  try {
    await prepare(page);
    await page.goto(new URL(path, base).href);
    const result = await use(page, report);
    const wrong = complaints(report);
    if (wrong.length > 0) throw new Error(`${path} is not clean:\n  ${wrong.join('\n  ')}`);
    return result;
  } catch (error) {
    const wrong = complaints(report).filter((line) => !error.message.includes(line));
    throw new Error([error.message, ...wrong].join('\n  '));
  } finally {
    await context.close();
  }
}

/** Runs a test with a browser: prints its summary as one JSON line, or says what failed and exits 1. */
export async function run(test) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ARGUMENTS,
  });
  try {
    console.log(JSON.stringify(await test(browser)));
  } catch (error) {
    console.error(`failed: ${error.message}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
