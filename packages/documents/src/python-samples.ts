import { spawnSync } from 'node:child_process'

/** A call of the sample's own function, or a request to its Flask route. */
export type PythonCase =
  | { readonly call: string; readonly with: readonly string[] }
  | { readonly route: string; readonly headers: Readonly<Record<string, string>>; readonly body: string }

const found = spawnSync('python3', ['--version']).status === 0
export const python3 = found || process.env.CI === 'true'
if (!python3) console.info('seeds.test.ts: the Python samples are not run, because there is no python3')

/** Flask's `app` and `request`, as far as the samples use them, so that their routes run without Flask. */
const HARNESS = `
import contextlib, io, json, os, sys

given = json.load(sys.stdin)
os.environ.update(given['environment'])

class Request:
    @property
    def json(self):
        return json.loads(self.data)
    def get_data(self, as_text=False):
        return self.data.decode() if as_text else self.data

class App:
    routes = {}
    def route(self, path, methods):
        def keep(handler):
            self.routes[path] = handler
            return handler
        return keep

request, app = Request(), App()
names = {'request': request, 'app': app, 'os': os, **given['names']}
for name in given['handlers']:
    names[name] = lambda data: None
results = []
with contextlib.redirect_stdout(io.StringIO()):
    exec(given['code'], names)
    for case in given['cases']:
        if 'call' in case:
            results.append(names[case['call']](*case['with']))
        else:
            request.headers, request.data = case['headers'], case['body'].encode()
            results.append(app.routes[case['route']]())
print(json.dumps(results))
`

/** What printed Python code, run as it is, gives for each case: `True`, `False`, or a route's body and status. */
export const runPython = (
  code: string,
  cases: readonly PythonCase[],
  given: {
    readonly names?: Readonly<Record<string, string>>
    readonly environment?: Readonly<Record<string, string>>
    /** Functions that the code calls and does not define. */
    readonly handlers?: readonly string[]
  } = {},
): unknown[] => {
  const input = JSON.stringify({ code, cases, names: {}, environment: {}, handlers: [], ...given })
  const ran = spawnSync('python3', ['-c', HARNESS], {
    input,
    encoding: 'utf8',
    env: { ...process.env, PYTHONUTF8: '1' },
  })
  if (ran.status !== 0) throw new Error(`python3: ${ran.error?.message ?? ran.stderr}`)
  return JSON.parse(ran.stdout)
}
