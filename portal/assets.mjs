// Copies what people's browsers need from `node_modules` and `pages` to `dist`, which is built into the server.
//
// No bundler: the packages ship files that work as they are. What would make a browser ask
// another place (source maps, web fonts, foreign addresses in style sheets) is cut or refused.
// Plain Node, no dependencies. Run it after `npm ci`, in any folder: `node portal/assets.mjs`.

import { copyFile, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const MODULES = join(HERE, 'node_modules');
const PAGES = join(HERE, 'pages');
const DIST = join(HERE, 'dist');

/** Folder in `dist` → files of packages. */
const FILES = {
  mirador: ['mirador/dist/mirador.min.js'],
  openseadragon: ['openseadragon/build/openseadragon/openseadragon.min.js'],
  graphiql: [
    'graphiql/graphiql.min.js',
    'graphiql/graphiql.min.css',
    'react/umd/react.production.min.js',
    'react-dom/umd/react-dom.production.min.js',
  ],
  'swagger-ui': ['swagger-ui-dist/swagger-ui-bundle.js', 'swagger-ui-dist/swagger-ui.css'],
};

const SOURCE_MAP = /(?:\/\/|\/\*)[#@] sourceMappingURL=[^\s*]+(?:\s*\*\/)?\s*$/;
const ENVIRONMENT = /(?:[\w$]+\.)+NODE_ENV\b/g;
const FONT_FACE = /@font-face\s*\{[^}]*\}/g;
const FOREIGN = /@import\b|url\((?!\s*["']?(?:data:|#))[^)]*/i;

/**
 * Mirador's bundle holds React for development and for production, and asks an empty object which one
 * to use, which gives the slow one with its console warnings. Answers the question instead.
 */
function forProduction(source, name) {
  const answered = source.replace(ENVIRONMENT, '"production"');
  if (answered === source) throw new Error(`${name} no longer asks for NODE_ENV: is it a production build now?`);
  // The licence asks that changes are marked.
  return `/* Changed for DLCS: NODE_ENV is "production". */\n${answered}`;
}

function cleanScript(source, name) {
  const script = source.replace(SOURCE_MAP, '');
  return name.startsWith('mirador/') ? forProduction(script, name) : script;
}

/** Without web fonts: `data:` fonts are against the pages' content security policy, and large. */
function cleanStyle(source, name) {
  const style = source.replace(SOURCE_MAP, '').replace(FONT_FACE, '');
  const foreign = FOREIGN.exec(style);
  if (foreign) throw new Error(`${name} loads something: ${foreign[0].slice(0, 80)}`);
  return style;
}

async function copyPackageFile(path, folder) {
  const target = join(DIST, folder, basename(path));
  const source = await readFile(join(MODULES, path), 'utf8');
  const clean = extname(path) === '.css' ? cleanStyle(source, path) : cleanScript(source, path);
  await writeFile(target, clean);
}

async function copyPackages() {
  for (const [folder, paths] of Object.entries(FILES)) {
    await mkdir(join(DIST, folder), { recursive: true });
    for (const path of paths) await copyPackageFile(path, folder);
  }
}

async function copyPages() {
  await mkdir(join(DIST, 'pages'), { recursive: true });
  for (const name of await readdir(PAGES)) {
    const folder = extname(name) === '.html' ? DIST : join(DIST, 'pages');
    await copyFile(join(PAGES, name), join(folder, name));
  }
}

/** Packages of the lock file that are not for tests alone: `[path below portal, entry]`. */
async function runtimePackages() {
  const lock = JSON.parse(await readFile(join(HERE, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.dev);
}

async function licenceTexts(folder) {
  const names = await readdir(folder).catch(() => []);
  const wanted = names.filter((name) => /(^|\.)(licen[cs]e|copying|notice)([-.].*)?$/i.test(name)).sort();
  const texts = [];
  for (const name of wanted) {
    const file = join(folder, name);
    if ((await stat(file)).isFile()) texts.push((await readFile(file, 'utf8')).trim());
  }
  return texts;
}

/** The bundles contain their dependencies, so the notices of all of them go along. */
async function writeLicences() {
  const parts = ['Free software inside these pages, with its licences.'];
  for (const [path, entry] of await runtimePackages()) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const texts = await licenceTexts(join(HERE, path));
    parts.push([`${name} ${entry.version} (${entry.license ?? 'see its text'})`, ...texts].join('\n\n'));
  }
  await writeFile(join(DIST, 'licences.txt'), `${parts.join(`\n\n${'-'.repeat(72)}\n\n`)}\n`);
}

async function sizes(folder) {
  const lines = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) lines.push(...await sizes(path));
    else lines.push([relative(DIST, path), (await stat(path)).size]);
  }
  return lines.sort();
}

async function main() {
  await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST);
  await copyPackages();
  await copyPages();
  await writeLicences();
  for (const [name, bytes] of await sizes(DIST)) {
    console.log(`${String(bytes).padStart(9)}  ${name}`);
  }
}

await main();
