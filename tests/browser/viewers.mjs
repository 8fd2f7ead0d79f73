// Fetches viewers that our manifests must work in and that we do not ship, from npm: whole packages, without what
// they depend on, since their browser builds hold that already.
//
//   node tests/browser/viewers.mjs
//
// Each goes to `tests/browser/viewers/NAME`, once; its bytes must have the digest that is written here. Clover is
// the exception: its browser build does not start, so that it is built here from `clover/`, with all it depends on.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const VIEWERS = fileURLToPath(new URL('viewers', import.meta.url));

const PACKAGES = {
  universalviewer: {
    version: '4.4.0',
    sha512: '9OVs6uCzeQYw50jg8k2vEGq6hQFu7kEv9OOAlmqVH9duhrpg1xlIqcMIb2rhNQnAxTQd3R13gxJze9UYkiwdzg==',
  },
};

const CLOVER_FOLDER = fileURLToPath(new URL('clover', import.meta.url));
const CLOVER = {
  folder: CLOVER_FOLDER,
  version: JSON.parse(readFileSync(join(CLOVER_FOLDER, 'package.json'), 'utf8')).dependencies['@samvera/clover-iiif'],
};

function fetchPackage(name, { version, sha512 }) {
  const target = join(VIEWERS, `${name}-${version}`);
  if (existsSync(target)) return;
  mkdirSync(VIEWERS, { recursive: true });
  const folder = mkdtempSync(join(VIEWERS, '.new-'));
  try {
    const run = (program, args) => execFileSync(program, args, { cwd: folder, encoding: 'utf8' });
    const file = run('npm', ['pack', '--silent', `${name}@${version}`]).trim();
    const found = createHash('sha512').update(readFileSync(join(folder, file))).digest('base64');
    if (found !== sha512) throw new Error(`${name}@${version} has the digest ${found}`);
    run('tar', ['-xzf', file]);
    renameSync(join(folder, 'package'), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The folder of a viewer's browser build. */
export function dist(name) {
  return join(VIEWERS, `${name}-${name === 'clover' ? CLOVER.version : PACKAGES[name].version}`, 'dist');
}

/** Builds Clover into one file, as an application that takes it in does; its lock file says of what. */
function buildClover() {
  const target = dist('clover');
  if (existsSync(join(target, 'clover.js'))) return;
  execFileSync('npm', ['ci', '--silent'], { cwd: CLOVER.folder, stdio: 'inherit' });
  const esbuild = createRequire(join(CLOVER.folder, 'package.json'))('esbuild');
  esbuild.buildSync({
    entryPoints: [join(CLOVER.folder, 'main.js')],
    outfile: join(target, 'clover.js'),
    bundle: true,
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  });
  rmSync(join(CLOVER.folder, 'node_modules'), { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, wanted] of Object.entries(PACKAGES)) fetchPackage(name, wanted);
  buildClover();
}
