// One line a provider, in alphabetical order. A bundle holds those that are used. What all have in common: they receive and
// they sign, and `data` is the provider's own event, the whole body, as its documents and types describe it.
export { github } from './github.ts'
export { slack } from './slack.ts'
export { stripe } from './stripe.ts'
