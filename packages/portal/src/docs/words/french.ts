import type { Words } from '../words.ts'

const UNITS = [
  [86_400_000, 'jour', 'jours'],
  [3_600_000, 'heure', 'heures'],
  [60_000, 'minute', 'minutes'],
  [1000, 'seconde', 'secondes'],
] as const

export const french: Words = {
  code: 'fr',
  title: 'Webhooks',
  intro: (product) =>
    `${product} prévient votre application de ce qui se passe, au moment où cela se passe : une requête HTTP POST vers une URL à vous, signée, et répétée jusqu'à ce que vous l'ayez reçue.`,
  updated: (version, date) => `Version ${version}, ${date}.`,
  events: 'Événements',
  noGroup: 'Autres événements',
  event: 'Événement',
  description: 'Quand il est envoyé',
  deprecated: 'Obsolète',
  field: 'Champ',
  type: 'Type',
  required: 'Obligatoire',
  optional: 'facultatif',
  payload: 'Contenu',
  payloadIntro: 'Chaque requête a un corps de cette forme :',
  requestHeaders: 'En-têtes',
  header: 'En-tête',
  meaning: "Ce qu'il contient",
  headers: {
    contentType: 'La forme du corps',
    signature: 'La signature',
    token: 'Le secret partagé',
    messageId: "L'identifiant de l'événement : le même à chaque tentative",
    deliveryId: "L'identifiant de la livraison : le même à chaque tentative",
    endpointId: "L'identifiant de votre endpoint",
    tenant: "À qui est l'événement",
    type: "Le type d'événement",
    attempt: 'Le numéro de la tentative, à partir de 1',
    occurredAt: "Quand l'événement s'est produit",
    sentAt: 'Quand cette tentative a été envoyée',
    stamps: {
      iso: 'au format ISO 8601, en UTC',
      isoSeconds: 'au format ISO 8601, en UTC, à la seconde',
      unix: 'en secondes Unix',
      unixMs: 'en millisecondes Unix',
    },
  },
  verification: 'Vérifier la signature',
  verificationIntro:
    "N'importe qui peut envoyer une requête à votre URL. N'acceptez que ce qui est signé avec votre secret.",
  signedIs: (what) => `Ce qui est signé : ${what}.`,
  signatureIs: (algorithm, encoding, prefix) =>
    `La signature en est le ${algorithm}, en ${encoding}${prefix ? `, après \`${prefix}\`` : ''}.`,
  severalSignatures:
    "Pendant un changement de secret, l'en-tête contient plusieurs signatures, séparées par des espaces : une seule qui convient suffit.",
  oneSignature:
    "L'en-tête contient une seule signature. Pendant que vous changez de secret, acceptez ce qui est signé avec le nouveau ou avec l'ancien.",
  tokenIs:
    "L'en-tête contient le secret partagé lui-même. Il dit qui envoie et ne protège rien du corps : à n'utiliser qu'en https.",
  keyIs: {
    text: 'La clé est le texte du secret, à la lettre.',
    whsec: 'La clé est ce qui suit `whsec_` dans le secret, décodé en base64.',
    base64: 'La clé est le secret, décodé en base64.',
    hex: 'La clé est le secret, décodé en hexadécimal.',
  },
  parts: { body: 'le corps', url: 'votre URL', method: 'la méthode', sentAt: "l'heure de l'en-tête" },
  windowIs:
    "Refusez une requête dont l'heure signée s'écarte de la vôtre de plus de cinq minutes : c'est une répétition frauduleuse.",
  rawBody:
    "Vérifiez les octets tels qu'ils sont arrivés, avant toute analyse : un JSON analysé puis réécrit, ce sont d'autres octets. Comparez en temps constant.",
  languages: { node: 'Node.js', python: 'Python', php: 'PHP', ruby: 'Ruby', go: 'Go', java: 'Java' },
  answering: 'Répondre',
  answerIs: (seconds) =>
    `Répondez avec un statut 2xx en moins de ${seconds}, une fois que vous avez reçu l'envoi. Faites les longs traitements ensuite, depuis une file d'attente à vous.`,
  retries: 'Nouvelles tentatives',
  retryIs: (attempts) =>
    attempts === 1
      ? 'Chaque événement est envoyé une fois.'
      : `Tout ce qui n'est pas 2xx, ou l'absence de réponse à temps, est un échec et déclenche une nouvelle tentative : ${attempts} tentatives en tout.`,
  attempt: 'Tentative',
  afterThePrevious: 'Après la précédente',
  immediately: 'immédiate',
  refused: 'Toute autre réponse 4xx met fin aux tentatives, sauf 408, 409, 425 et 429.',
  gone: 'Une réponse 410 met fin aux tentatives, et votre endpoint est désactivé.',
  control:
    "Pour renoncer à un message, répondez avec un statut autre que 2xx et l'en-tête `webhook-delivery: abort-message` : les tentatives prennent fin. Avec `webhook-delivery: disable` dans n'importe quelle réponse, votre endpoint est désactivé, et les tentatives prennent fin.",
  busy: "Débordé ? Répondez 429 ou 503, avec `Retry-After` en secondes : rien d'autre ne vous est envoyé d'ici là.",
  afterwards: 'Après la dernière tentative, la livraison est marquée comme échouée. Elle peut être renvoyée à la main.',
  disabled(rule) {
    if (rule.by === 'never') return "Votre endpoint n'est jamais désactivé pour ses échecs."
    const when =
      rule.by === 'time'
        ? `Après ${this.duration(rule.afterMs)} d'échecs sans un succès`
        : `Après ${rule.after} ${rule.by === 'exhausted' ? plural(rule.after, 'livraison échouée', 'livraisons échouées') : plural(rule.after, 'tentative échouée', 'tentatives échouées de suite')}`
    return `${when}, votre endpoint est désactivé, et ne reçoit plus rien tant qu'il n'est pas réactivé.`
  },
  duplicates: 'Doublons',
  duplicateBy: (where) =>
    `Un événement peut arriver deux fois, quand votre réponse s'est perdue. Retenez ${where} de ce que vous avez traité.`,
  duplicateByBody:
    "Un événement peut arriver deux fois, quand votre réponse s'est perdue. Retenez une empreinte des corps que vous avez traités : une répétition a les mêmes octets.",
  support: 'Aide',
  duration(ms) {
    const [size, one, many] = UNITS.find(([length]) => ms >= length && ms % length === 0) ?? [
      1,
      'milliseconde',
      'millisecondes',
    ]
    const count = ms / size
    return `${count} ${plural(count, one, many)}`
  },
}

function plural(count: number, one: string, many: string): string {
  return count < 2 ? one : many
}
