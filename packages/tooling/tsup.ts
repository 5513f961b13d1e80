import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Options } from 'tsup'

/** What differs from package to package. `bundle` names the dependencies whose code goes into the build. */
export interface Library {
  readonly entry: string[]
  readonly bundle?: readonly string[]
}

/** The build of every published package: ES modules and CommonJS side by side, each with its own declarations. */
export const library = ({ entry, bundle = [] }: Library) =>
  defineConfig({
    entry,
    format: ['esm', 'cjs'],
    platform: 'node',
    target: 'es2022',
    removeNodeProtocol: false,
    // Entries of one package share chunks, so a class is the same class in each of them.
    splitting: true,
    clean: true,
    silent: true,
    // tsup hands `baseUrl` to the compiler, which TypeScript 6 reports as deprecated.
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
    noExternal: [...bundle],
    ...(bundle.length > 0 && { onSuccess: async () => copyLicences(bundle) }),
  }) as Options

/**
 * A build in which every module stays a file, under `folder` of the first: a bundler leaves out, and loads on demand,
 * whole files alone.
 */
export const modules = ({ entry, folder }: { readonly entry: string[]; readonly folder: string }) =>
  defineConfig({
    ...(library({ entry }) as Options),
    outDir: join('dist', folder),
    splitting: false,
    clean: false,
    dts: false,
    esbuildPlugins: [
      {
        name: 'keep-modules',
        setup(build) {
          const extension = build.initialOptions.outExtension?.['.js'] ?? '.js'
          build.onResolve({ filter: /^\.{1,2}\// }, ({ path, kind }) =>
            kind === 'entry-point' ? undefined : { path: path.replace(/\.ts$/, extension), external: true },
          )
        },
      },
    ],
  }) as Options

/** Bundled code keeps its licence beside it. A file called LICENSE would keep pnpm from packing ours. */
const copyLicences = (bundle: readonly string[]) => {
  const texts = bundle.map((name) => {
    const folder = join('node_modules', name)
    const licence = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name)) ?? 'license'
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return `${name} ${version}\n\n${readFileSync(join(folder, licence), 'utf8').trim()}\n`
  })
  writeFileSync(join('dist', 'THIRD-PARTY-NOTICES.txt'), texts.join('\n---\n\n'))
}
