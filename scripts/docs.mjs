import { readFileSync, writeFileSync } from 'node:fs'
import { topicConfigMarkdown } from '../dist/src/base/topic-config-doc.js'

// After a change of the table of topic configs: npm run build && node scripts/docs.mjs
const page = new URL('../docs/configuration.md', import.meta.url)
const section = /(<!-- topic configs -->\n)[\s\S]*?(\n<!-- end of topic configs -->)/
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(section, (_, begin, end) => begin + topicConfigMarkdown() + end),
)
