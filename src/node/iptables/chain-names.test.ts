import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainName, isOurChain } from './chain-names.ts';

test('KPX-13, PROXY-45: chains are called as kube-proxy calls them', () => {
  assert.equal(chainName('SVC', 'ns1/svc1:p80tcp'), 'KUBE-SVC-XPGD46QRK7WJZT7O');
  assert.equal(chainName('SEP', 'ns1/svc1:p80tcp10.180.0.1:80'), 'KUBE-SEP-SXIVWICOYRO3J4NJ');
});

test('chains of a kubelet and of people are not ours', () => {
  const names = ['KUBE-SERVICES', 'KUBE-SVC-XPGD46QRK7WJZT7O', 'KUBE-FIREWALL', 'KUBE-KUBELET-CANARY', 'KUBE-IPTABLES-HINT', 'DOCKER', 'KUBE-SVC-short', 'MY-KUBE-SERVICES'];
  assert.deepEqual(names.filter(isOurChain), ['KUBE-SERVICES', 'KUBE-SVC-XPGD46QRK7WJZT7O']);
});
