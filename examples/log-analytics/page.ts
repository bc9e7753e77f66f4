/** One page, no library: it asks `/events` and draws what comes. Whatever stands in a log is text here, never markup. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Logs</title>
<style>
  body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c2430; background: #fbfaf7 }
  h1 { font-size: 1.2rem } h2 { font-size: 1rem; margin-top: 2rem }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid #e3e0d8; font-variant-numeric: tabular-nums }
  th:first-child, td:first-child { text-align: left }
  .error { color: #b3261e } .warn { color: #a15c00 } .quiet { color: #8a8f98 }
  #state::before { content: '● '; color: #2e7d32 } #state.lost::before { color: #b3261e }
</style>
</head>
<body>
<h1>Logs <small id="state" class="quiet">live</small></h1>
<h2>Alerts</h2><table id="alerts"></table>
<h2>Logs</h2><table id="totals"></table>
<h2>Minutes</h2><table id="windows"></table>
<script>
const levels = ['error', 'warn', 'info', 'debug']
const time = (ms) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
function draw(id, head, rows) {
  const table = document.getElementById(id)
  const line = (cells, tag) => {
    const tr = document.createElement('tr')
    cells.forEach((cell, at) => {
      const td = document.createElement(tag)
      td.textContent = cell
      if (tag === 'td' && Number(cell) > 0 && levels.includes(head[at])) td.className = head[at]
      tr.append(td)
    })
    return tr
  }
  table.replaceChildren(line(head, 'th'), ...rows.map((cells) => line(cells, 'td')))
}
const events = new EventSource('/events')
events.onmessage = ({ data }) => {
  const { totals, windows, alerts } = JSON.parse(data)
  const counts = (row) => levels.map((level) => row.counts[level] ?? 0)
  draw('alerts', ['log', 'minute (UTC)', 'what'], alerts.map((one) => [one.name, time(one.start), one.text]))
  draw('totals', ['log', ...levels, 'late', 'malformed'], totals.map((one) => [one.name, ...counts(one), one.late, one.malformed]))
  draw('windows', ['log', 'minute (UTC)', ...levels], windows.map((one) => [one.name, time(one.start), ...counts(one)]))
  document.getElementById('state').className = 'quiet'
}
events.onerror = () => { document.getElementById('state').className = 'quiet lost' }
</script>
</body>
</html>
`
