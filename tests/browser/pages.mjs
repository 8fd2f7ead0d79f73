// The start page, GraphiQL and the API reference work, offline and with a clean console.
//
//   node tests/browser/pages.mjs BASE [SCREENSHOT-FOLDER]
//
// Prints a JSON summary; exits 1 and says why if not.

import { join } from 'node:path';

import { onCleanPage, run } from './browser.mjs';

async function startPage(page) {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('#health[data-state="ready"]').waitFor();
  await page.getByLabel('Manifest address').fill('https://example.org/manifest.json');
  return { title: await page.title() };
}

/** Replaces the query by another one, as a person would, and runs it. */
async function graphiql(page) {
  // The schema is read first; until then the editor may still be set up anew.
  await page.waitForLoadState('networkidle');
  const editor = page.locator('.graphiql-query-editor .CodeMirror');
  await editor.click();
  await page.keyboard.press('Control+A');
  // The same operation name as before: GraphiQL notices another one only after a while.
  await page.keyboard.insertText('query Assets { __schema { queryType { name } } }');
  await page.getByRole('button', { name: /execute query/i }).click();
  const result = page.locator('.result-window');
  await result.getByText('"data"').or(result.getByText('"errors"')).first().waitFor();
  const text = (await result.innerText()).replace(/\s+/g, ' ');
  if (!text.includes('"queryType"')) throw new Error(`GraphiQL shows another result: ${text}`);
  await page.getByRole('button', { name: 'Headers' }).click();
  await page.getByRole('region', { name: 'Headers' }).locator('.graphiql-editor:not(.hidden) .CodeMirror').waitFor();
  await page.getByRole('button', { name: /show documentation explorer/i }).click();
  await page.getByText('Root Types').waitFor();
  return { result: text };
}

async function reference(page) {
  await page.locator('.swagger-ui .info .title').waitFor();
  const operations = await page.locator('.swagger-ui .opblock').count();
  if (operations === 0) throw new Error('the API reference shows no operation');
  await page.locator('.swagger-ui .opblock-summary-control').first().click();
  await page.locator('.swagger-ui .opblock.is-open .responses-wrapper').first().waitFor();
  return { operations };
}

async function missingManifest(page) {
  const alert = page.getByRole('alert').filter({ hasText: 'No manifest is named' });
  await alert.waitFor();
  return { says: (await alert.innerText()).split('\n')[0] };
}

const PAGES = {
  start: ['/', startPage],
  graphiql: ['/graphql', graphiql],
  reference: ['/docs', reference],
  'viewer-without-manifest': ['/view', missingManifest],
};

async function testPages(browser, base, folder) {
  const summary = {};
  for (const [name, [path, test]] of Object.entries(PAGES)) {
    summary[name] = await onCleanPage(browser, base, path, async (page) => {
      const result = await test(page);
      if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
      return result;
    });
  }
  return summary;
}

const [base, folder] = process.argv.slice(2);
if (!base) {
  console.error('usage: node tests/browser/pages.mjs BASE [SCREENSHOT-FOLDER]');
  process.exit(2);
}
await run((browser) => testPages(browser, base, folder));
