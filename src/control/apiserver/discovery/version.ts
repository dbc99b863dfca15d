// What the server says it is: it behaves like Kubernetes 1.32. Clients parse gitVersion as a semantic version.
const gitVersion = 'v1.32.0+fairlead';

export const version = {
  major: '1',
  minor: '32',
  gitVersion,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: `node ${process.version}`,
  compiler: 'v8',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const;
