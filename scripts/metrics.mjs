import { writeFileSync } from 'node:fs'
import { grafanaDashboard } from '../dist/src/node/grafana-dashboard.js'
import { metricsDocument } from '../dist/src/node/metrics-page-doc.js'

// After a change of the table of metrics: npm run build && node scripts/metrics.mjs
writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsDocument())
writeFileSync(new URL('../deploy/grafana-dashboard.json', import.meta.url), `${JSON.stringify(grafanaDashboard(), null, 2)}\n`)
