import { request as httpRequest } from 'node:http'
import { standardWebhooks } from '@hooks/core'
import { signRequest } from '@hooks/receiver/testing'
import { SECRET } from './plan.ts'

/** Whether the answer says that nothing is left to do. */
export const isDone = (status: number): boolean => status >= 200 && status <= 299

/**
 * Posts a signed message to a host, and calls `answered` when the head of the answer is there, before its body is read. Resolves to
 * the status, or to 0 where the connection broke.
 */
export async function post(port: number, id: string, answered: (status: number) => Promise<void>): Promise<number> {
  const { method, headers, body } = await signRequest(standardWebhooks(), SECRET, { type: 'tick', id, data: { id } })
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/hooks', method, headers, agent: false })
    request.on('error', () => resolve(0))
    request.on('response', (response) => {
      const status = response.statusCode ?? 0
      // A host that dies in the middle of its answer has answered all the same.
      response.on('error', () => {})
      answered(status).then(() => {
        response.resume()
        resolve(status)
      }, reject)
    })
    request.end(body)
  })
}
