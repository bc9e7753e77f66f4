import { readFileSync, writeFileSync } from 'node:fs'
import { topicConfigMarkdown } from '../dist/src/base/topic-config-doc.js'
import { configKeysMarkdown, variablesMarkdown } from '../dist/src/node/config-doc.js'

// After a change of the tables of configs or variables: npm run build && node scripts/docs.mjs
const page = new URL('../docs/configuration.md', import.meta.url)
const sections = { 'topic configs': topicConfigMarkdown, 'config keys': configKeysMarkdown, variables: variablesMarkdown }
let text = readFileSync(page, 'utf8')
for (const [name, markdown] of Object.entries(sections)) {
  const section = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- end of ${name} -->)`)
  text = text.replace(section, (_, begin, end) => begin + markdown() + end)
}
writeFileSync(page, text)
