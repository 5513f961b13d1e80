import { createClient, onExpress, PORT, SECRET } from './receiver.ts'
import { createService } from './sender.ts'

// The client listens.
const client = createClient({
  paid: (amount, { type }) => console.log(`3. Traitement : événement reçu : ${type}, ${amount}`),
})
await new Promise<void>((ready) => onExpress(client).listen(PORT, () => ready()))
console.log(`Serveur webhook écoutant sur http://localhost:${PORT}`)

// `dev` lets the service send to http://localhost. Without it, only https and public addresses are taken.
const service = createService({ dev: true })
service.hooks.on('delivery.delivered', () => {
  console.log(`
Le client écoute toujours, jusqu'à Ctrl+C. Le test du cours :

  curl -X POST http://localhost:${PORT}/webhook \\
  -H "Content-Type: application/json" \\
  -H "x-webhook-signature: ${SECRET}" \\
  -d '{"event": "payment_completed", "amount": 100}'`)
})
service.hooks.start()

await service.subscribe(`http://localhost:${PORT}/webhook`, SECRET)
console.log(`1. Abonnement : http://localhost:${PORT}/webhook`)

console.log('2. Événement : un paiement de 100 est validé')
await service.completePayment(100)
