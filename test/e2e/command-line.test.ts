// The command line as a person meets it: help, refusals that say what to do next, completion, and what is left behind.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createCli } from '../../src/ui/cli/cli.ts';
import { type Ran, run } from './running-cluster.ts';

const home = dirname(dirname(import.meta.dirname));
const main = join(home, 'src/main.ts');
const scratch = mkdtempSync(join(tmpdir(), 'fairlead-cli-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const fairlead = (...args: string[]): Promise<Ran> => run(process.execPath, [main, ...args], { env: { FAIRLEAD_DATA: join(scratch, 'empty') } });
const file = (name: string, text: string): string => {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
};

describe('help', () => {
  const verbs = createCli({ home } as never).commands.map((command) => command.name());

  test('the program without a verb lists all verbs', async () => {
    const { stderr, stdout } = await fairlead();
    for (const verb of verbs) assert.match(stderr + stdout, new RegExp(`^  ${verb}\\b`, 'm'));
  });

  for (const verb of verbs)
    test(`${verb} explains itself, with an example`, async () => {
      const { code, stdout } = await fairlead('help', verb);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`Usage: fairlead ${verb}`));
      assert.match(stdout, new RegExp(`Examples:\\n(.*\\n)*.*fairlead ${verb}`));
    });
});

describe('refusals say what is wrong and what to do next', () => {
  const refused: [about: string, args: () => string[], said: RegExp[]][] = [
    ['an unknown verb', () => ['upp'], [/unknown command 'upp'/, /Did you mean up\?/, /fairlead help/]],
    ['an unknown option', () => ['up', '--node', '3'], [/unknown option '--node'/, /--nodes/]],
    ['no nodes', () => ['up', '--nodes', '0'], [/--nodes <count>.*'0'.*must be a whole number from 1 to 100/]],
    ['nodes in words', () => ['up', '--nodes', 'three'], [/must be a whole number/]],
    ['half a node', () => ['up', '--nodes', '1.5'], [/must be a whole number/]],
    ['a name that is none', () => ['up', '--name', 'My Cluster'], [/--name <cluster>.*must be lower-case letters/]],
    ['a name that leads out of the folder', () => ['down', '--delete', '--name', '../..'], [/must be lower-case letters/]],
    ['a config file that is not there', () => ['up', '--config', join(scratch, 'nope.yaml')], [/cannot read the config file .*nope\.yaml: .*no such file/]],
    ['a config file that is no YAML', () => ['up', '--config', file('broken.yaml', 'nodes: [')], [/broken\.yaml:\d+: not YAML/]],
    ['a config file with a mistake', () => ['up', '--config', file('wrong.yaml', 'name: demo\nnode: []')], [/wrong\.yaml:2: node: unknown field "node"; known are /]],
    ['a node that takes the gateway’s address', () => ['up', '--config', file('gateway.yaml', 'nodeCIDRs: [10.99.0.0/24]\nnodes: [{ name: a, addresses: [10.99.0.1] }]')], [/10\.99\.0\.1 of a is taken by the gateway/, /change the config file/]],
    ['ending a cluster that is not there', () => ['down'], [/there is no cluster default in .*; start one with: fairlead up/]],
    ['asking about one', () => ['status', '--name', 'demo'], [/there is no cluster demo/, /fairlead up/]],
    ['its kubeconfig', () => ['kubeconfig', '--name', 'demo'], [/cluster demo has no kubeconfig yet; start it with: fairlead up --name demo/]],
    ['kubectl on it', () => ['kubectl', '--name', 'demo', 'get', 'pods'], [/cluster demo has no kubeconfig yet/]],
    ['why in it', () => ['why', 'a', 'b'], [/there is no cluster default/]],
    ['why without a destination', () => ['why', 'a'], [/missing required argument 'destination'/]],
    ['completion for another shell', () => ['completion', 'csh'], [/'csh' is invalid for argument 'shell'\. Allowed choices are bash, zsh, fish/]],
    ['tests without the launcher', () => ['test'], [/run \.\/fairlead test/]],
  ];
  for (const [about, args, said] of refused)
    test(about, async () => {
      const { code, stdout, stderr } = await fairlead(...args());
      assert.notEqual(code, 0);
      for (const each of said) assert.match(stderr, each);
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack');
      assert.equal(stdout, '');
    });

  test('nothing was written by any of them', () => assert.ok(!existsSync(join(scratch, 'empty'))));
});

describe('completion', () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    test(`${shell} accepts the script`, async (t) => {
      const { code, stdout } = await fairlead('completion', shell);
      assert.equal(code, 0);
      assert.match(stdout, /kubeconfig/);
      const { code: found } = await run('sh', ['-c', `command -v ${shell}`]);
      if (found !== 0) return t.skip(`${shell} is not on this machine`);
      const { code: accepted, stderr } = await run(shell, ['-n', file(`completion.${shell}`, stdout)]);
      assert.deepEqual([accepted, stderr], [0, '']);
    });

  const typed: [words: string, offered: string[]][] = [
    ['fairlead st', ['status']],
    ['fairlead ku', ['kubeconfig', 'kubectl']],
    ['fairlead up --no', ['--nodes']],
    ['fairlead completion z', ['zsh']],
  ];
  for (const [words, offered] of typed)
    test(`bash offers ${offered.join(', ')} for “${words}”`, async () => {
      const { stdout: script } = await fairlead('completion', 'bash');
      const list = words.split(' ');
      const ask = `${script}\nCOMP_WORDS=(${list.join(' ')}); COMP_CWORD=${list.length - 1}; _fairlead; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await run('bash', ['-c', ask], { env: { HOME: scratch } });
      assert.deepEqual(stdout.trim().split('\n').toSorted(), offered);
    });
});

test('without clusters, status says how to start one', async () => {
  const { code, stdout } = await fairlead('status');
  assert.deepEqual([code, stdout.trim()], [1, 'no clusters; start one with: fairlead up']);
});

test('version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
  assert.equal((await fairlead('version')).stdout.trim(), version);
});

/** Processes too: whatever goes wrong, nothing outlives the shell. */
const ownNamespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];

/** A shell in namespaces of its own, where `$data` is a fresh folder and `fairlead` the program. */
function alone(name: string, script: string): Promise<Ran> {
  const data = join(scratch, name);
  mkdirSync(data);
  const start = [
    'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up',
    `data=${data}; fairlead() { "${process.execPath}" "${main}" "$@"; }`,
    script,
  ].join('\n');
  return run('unshare', [...ownNamespaces, 'bash', '-c', start], { env: { FAIRLEAD_DATA: data, HOME: data } });
}

describe('this machine’s own network', () => {
  test('the default range is one that no route of this machine touches', async () => {
    const { code, stdout, stderr } = await alone('routes', `
      ip link add vpn type veth peer name vpn-peer && ip link set vpn up
      ip route add 172.30.0.0/23 dev vpn
      fairlead up --detach --nodes 1 || exit 1
      fairlead down --delete >&2`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /nodes +node1 172\.30\.2\.10 fd00:172:30:2::a/);
  });

  const collisions: [about: string, network: string, config: string, said: RegExp[]][] = [
    ['a node range', 'ip route add 10.55.0.0/16 dev vpn', 'nodeCIDRs: [10.55.1.0/24]', [/node subnet 10\.55\.1\.0\/24 overlaps 10\.55\.0\.0\/16, which this machine already routes to vpn/]],
    ['an IPv6 node range', 'ip -6 route add fd55::/32 dev vpn', 'nodeCIDRs: [10.55.1.0/24, "fd55:0:1::/64"]', [/node subnet fd55:0:1::\/64 overlaps fd55::\/32.*vpn/]],
    ['a LoadBalancer pool', 'ip addr add 10.56.0.9/24 dev vpn', 'nodeCIDRs: [10.55.1.0/24]\nloadBalancerCIDRs: [10.56.0.64/26]', [/LoadBalancer pool 10\.56\.0\.64\/26 overlaps 10\.56\.0\.0\/24.*vpn/]],
  ];
  for (const [index, [about, network, config, said]] of collisions.entries())
    test(`${about} that is routed elsewhere is refused, with the way out`, async () => {
      const script = `
        ip link add vpn type veth peer name vpn-peer && ip link set vpn up
        ${network}
        fairlead up --detach --nodes 1 --config ${file(`collision-${index}.yaml`, config)}; echo "code $?"
        ls -A "$data"; ip netns; ip -o link`;
      const { stdout, stderr } = await alone(`collision-${index}`, script);
      for (const each of [...said, /nodeCIDRs: \[/, /fairlead up --config FILE/]) assert.match(stderr, each);
      assert.match(stdout, /code 1/);
      assert.doesNotMatch(stdout, /fl-/, 'nothing was built');
    });

  test('a range chosen earlier that collides now is explained too', async () => {
    const { stdout, stderr } = await alone('since', `
      fairlead up --detach --nodes 1 >/dev/null && fairlead down >/dev/null
      ip link add vpn type veth peer name vpn-peer && ip link set vpn up && ip route add 172.30.0.0/16 dev vpn
      fairlead up --detach; echo "code $?"`);
    assert.match(stdout, /code 1/);
    assert.match(stderr, /chosen at an earlier `up`.*collides.*\n.*172\.30\.0\.0\/24 overlaps 172\.30\.0\.0\/16.*vpn/);
    assert.match(stderr, /fairlead down --name default --delete/);
  });
});

describe('clusters', () => {
  test('two stand side by side; a third of the same name is refused; each ends by itself', async () => {
    const { code, stdout, stderr } = await alone('two', `
      fairlead up --detach --nodes 1 --name one >/dev/null || exit 1
      fairlead up --detach --nodes 1 --name two >/dev/null || exit 2
      fairlead status || exit 3
      fairlead up --detach --name one && exit 4
      fairlead kubeconfig --name one | grep server: ; fairlead kubeconfig --name two | grep server:
      fairlead down --name one || exit 5
      fairlead status; echo "code $?"
      fairlead down --name two --delete || exit 6
      fairlead down --name one --delete || exit 7
      fairlead status; echo "code $?"
      ls -A "$data"; ip netns`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^one +running +https:\/\/127\.0\.0\.1:\d+ +1\/1 ready/m);
    assert.match(stdout, /^two +running +https:\/\/127\.0\.0\.1:\d+ +1\/1 ready/m);
    assert.match(stderr, /cluster one already runs \(process \d+\); use it with: fairlead kubectl --name one get nodes\nor end it first: fairlead down --name one/);
    const servers = [...stdout.matchAll(/server: (\S+)/g)].map(([, server]) => server);
    assert.equal(new Set(servers).size, 2);
    assert.match(stdout, /cluster one is down; its objects stay in .*\/one \(down --delete forgets them\)/);
    assert.match(stdout, /^one +down .*\n^two +running .*\ncode 1/m);
    assert.match(stdout, /no clusters; start one with: fairlead up\ncode 1\n$/, 'no folder, no namespace is left');
  });

  test('a cluster whose process was killed is down, and is swept by the next up', async () => {
    const { code, stdout, stderr } = await alone('killed', `
      fairlead up --detach --nodes 1 >/dev/null || exit 1
      kill -9 $(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p' "$data/default/process.json"); sleep 0.2
      fairlead status; echo "code $?"
      fairlead up --detach >/dev/null || exit 2
      fairlead status || exit 3
      fairlead down --delete`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^default +down/m);
    assert.match(stdout, /^default +running/m);
  });
});

describe('Ctrl-C', () => {
  /** All of the machine that a cluster touches, as text. */
  const look = 'ip -d -o link | sed "s/^[0-9]*: //"; ip netns; ip route show table all; ip -6 route show table all; ip addr | grep inet; nft list ruleset; ls -A /run /run/netns; grep -v " /run/netns" /proc/mounts; ps -eo args | grep -v -e "^ps " -e "^grep " -e "^bash -c "';

  test('leaves nothing on the machine', async () => {
    const script = `
      look() { ${look}; }
      look > "$data/before"
      ( exec "${process.execPath}" "${main}" up --nodes 2 > "$data/out" 2>&1 ) & child=$!
      until grep -q Try: "$data/out"; do kill -0 $child || { cat "$data/out"; exit 1; }; sleep 0.05; done
      test "$(ip netns | wc -l)" -gt 2 || exit 2
      kill -INT $child; wait $child || exit 3
      look > "$data/after"
      diff "$data/before" "$data/after" && echo same
      ls -A "$data"/default`;
    const { code, stdout, stderr } = await alone('ctrl-c', script);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^same$/m, stdout);
    assert.doesNotMatch(stdout, /process\.json/);
  });

  test('during the start leaves nothing either', async () => {
    const script = `
      ( exec "${process.execPath}" "${main}" up --nodes 3 > "$data/out" 2>&1 ) & child=$!
      until test -e "$data/default/process.json"; do kill -0 $child || { cat "$data/out"; exit 1; }; done
      kill -INT $child; wait $child; echo "code $?"; cat "$data/out"
      ip netns; ip -o link; ls "$data"/default`;
    const { stdout, stderr } = await alone('early', script);
    assert.match(stdout, /^code 0$/m, stdout + stderr);
    assert.match(stdout, /ending cluster default/);
    assert.doesNotMatch(stdout, /process\.json|fl-default/);
  });
});
