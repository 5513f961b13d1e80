/** Says how to poke the running demo, and waits for a Ctrl-C. */
export async function keepRunning(senderUrl: string, receiverUrl: string): Promise<void> {
  console.log(`
Both processes go on. Try, in another terminal:

  # Send a message: any product, any of its event types.
  curl -X POST ${senderUrl}/send/lokroom/booking.created

  # A product's last deliveries.
  curl ${senderUrl}/deliveries/lokroom

  # The receiver itself. Without a signature it refuses ...
  curl -i -X POST ${receiverUrl}/lokroom/steady -d '{}'

  # ... but the course's signature is its secret, so its document's own request gets through.
  curl -i -X POST ${receiverUrl}/course/steady -H 'content-type: application/json' \\
    -H 'x-webhook-signature: mon_secret_123' -d '{"event": "payment_completed", "amount": 100}'

Ctrl-C ends it.`)
  // From here on a Ctrl-C is the way to end, and not a failure.
  process.removeAllListeners('SIGINT')
  await new Promise((resolve) => process.once('SIGINT', resolve))
}
