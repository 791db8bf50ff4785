import { existsSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { settingNames } from '../../src/config.ts'
import { root, textOf } from './source-files.ts'

interface Package {
  scripts: Record<string, string>
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
  engines: { node: string }
}
interface Lock {
  packages: Record<
    string,
    { resolved?: string; version?: string; link?: boolean; integrity?: string; optionalDependencies?: object }
  >
}

const manifest = JSON.parse(textOf('package.json')) as Package
const lock = JSON.parse(textOf('package-lock.json')) as Lock
const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })

test('every package is wanted in one exact version', () => {
  expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
})

test('the lock file holds the wanted versions, and is whole', () => {
  const locked = wanted.map(([name]) => [name, lock.packages[`node_modules/${name}`]?.version])
  expect(locked).toEqual(wanted)
  expect(
    Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.integrity && !entry.link),
  ).toEqual([])
})

test('the lock file holds every optional package, or npm ci refuses it', () => {
  const names = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')))
  const optional = Object.values(lock.packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
  expect([...new Set(optional)].filter((name) => !names.has(name))).toEqual([])
})

test('the lock file names no host', () => {
  expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved)).toEqual([])
  expect(textOf('package-lock.json')).not.toMatch(/"https?:\/\/[^"]*\.tgz"/)
})

test('every MikroORM package has the same version', () => {
  const versions = wanted.filter(([name]) => name.startsWith('@mikro-orm/')).map(([, version]) => version)
  const locked = Object.entries(lock.packages).filter(([path]) => path.includes('node_modules/@mikro-orm/'))
  expect(versions.length).toBeGreaterThan(2)
  expect(new Set([...versions, ...locked.map(([, entry]) => entry.version)]).size).toBe(1)
})

test('the Node of the scripts is the Node that engines asks for', () => {
  const [major] = (manifest.dependencies.node ?? '').split('.')
  expect(manifest.engines.node).toBe(`${major ?? ''}.x`)
  expect(process.versions.node.split('.')[0]).toBe(major)
})

test('every script of package.json runs a file that exists', () => {
  const files = Object.values(manifest.scripts).flatMap(
    (script) => script.match(/[\w./-]+\.(ts|js|mjs|cjs|yml)\b/g) ?? [],
  )
  expect(files.filter((file) => !existsSync(`${root}${file}`))).toEqual([])
})

test('.env.example lists every setting, and no other', () => {
  const listed = [...textOf('.env.example').matchAll(/^#?\s?([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1])
  expect(listed.toSorted()).toEqual(settingNames.toSorted())
})
