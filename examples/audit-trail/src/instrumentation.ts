/** Next.js calls it when the server starts: from then on this process delivers, and handles what was received. */
export async function register(): Promise<void> {
  // In a block, and not behind an early return: Next.js builds this file for the edge too, and cuts out the block.
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const [{ auditTrail }, { myApp }] = await Promise.all([import('./audit-trail.ts'), import('./my-app.ts')])
    auditTrail.hooks.start()
    myApp.receiver.start()
  }
}
