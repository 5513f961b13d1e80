/** Holds the write lock of a database (argument 1) for some milliseconds (argument 2), and says when it has it. */
import Libsql from 'libsql'

const [path = '', ms = '0'] = process.argv.slice(2)
const db = new Libsql(path)
db.exec('PRAGMA busy_timeout = 5000')
db.exec('BEGIN IMMEDIATE')
console.log('locked')
setTimeout(() => {
  db.exec('ROLLBACK')
  db.close()
}, Number(ms))
