/** What a name server of tests says: records, a code such as 3 (no such name), or nothing at all. */
export type DnsAnswer = readonly DnsRecord[] | number | 'silence'

/** An address; or another name that the one asked for stands for, and the addresses of which are the records after it. */
export type DnsRecord =
  | { readonly address: Buffer; readonly ttl?: number }
  | { readonly alias: string; readonly ttl?: number }

/** A question, and how to answer it. */
export interface DnsQuery {
  readonly type: 'A' | 'AAAA'
  readonly name: string
  /** The bytes to send back, if any. */
  respond(answer: DnsAnswer): Buffer | null
}

const TYPES: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' }
const CNAME = 5
const [A, AAAA] = [1, 28]

/** Reads a query of one question (RFC 1035, section 4). */
export function readQuery(query: Buffer): DnsQuery {
  const labels: string[] = []
  let at = 12
  for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + size))
    at += 1 + size
  }
  const question = query.subarray(12, at + 5)
  return {
    type: TYPES[query.readUInt16BE(at + 1)] ?? 'A',
    name: labels.join('.'),
    respond(answer) {
      if (answer === 'silence') return null
      const records = typeof answer === 'number' ? [] : answer
      const header = Buffer.alloc(12)
      query.copy(header, 0, 0, 2)
      header.writeUInt16BE(0x8180 | (typeof answer === 'number' ? answer : 0), 2)
      header.writeUInt16BE(1, 4)
      header.writeUInt16BE(records.length, 6)
      // A pointer to the name in the question.
      let owner = Buffer.from([0xc0, 12])
      const answers = records.map((record) => {
        const encoded = encode(owner, record)
        if ('alias' in record) owner = nameBytes(record.alias)
        return encoded
      })
      return Buffer.concat([header, question, ...answers])
    },
  }
}

function encode(owner: Buffer, record: DnsRecord): Buffer {
  const data = 'alias' in record ? nameBytes(record.alias) : record.address
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE('alias' in record ? CNAME : data.length === 4 ? A : AAAA)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(record.ttl ?? 60, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([owner, fixed, data])
}

const nameBytes = (name: string): Buffer<ArrayBuffer> =>
  Buffer.concat([...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.of(0)])
