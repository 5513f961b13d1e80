import pg from 'pg'

/** Runs one statement as the owner of everything, on a connection of its own. */
export async function run<Row>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows as Row[]
  } finally {
    await client.end()
  }
}
