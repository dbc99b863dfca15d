// Webhook configurations are stored, so that charts install and people can read them; no webhook is called.
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { WebhookConfiguration } from '../objects/admission.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

const webhookKind = (kind: string, plural: string): Kind<WebhookConfiguration> => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  plural,
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  countsGenerations: true,
  columns: [nameColumn, { name: 'Webhooks', type: 'integer', cell: ({ webhooks }) => webhooks?.length ?? 0 }, ageColumn],
  validate: (configuration, old) => validateObjectMeta(configuration, { namespaced: false }, old),
  warnings: ({ webhooks }) => (webhooks?.length ? [`${kind} is stored, but this server calls no webhooks`] : []),
});

export const validatingWebhookConfigurationKind = webhookKind('ValidatingWebhookConfiguration', 'validatingwebhookconfigurations');
export const mutatingWebhookConfigurationKind = webhookKind('MutatingWebhookConfiguration', 'mutatingwebhookconfigurations');
