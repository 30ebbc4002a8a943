// Package store keeps what latchkey must not lose, in one bbolt file: the
// credentials of every account with their earlier generations, the vendors'
// notes, records of the daemon (inventory, documents sent), and the opening log. The daemon opens
// it once and hands it to the keeper, the engine and the page; a command line
// without a daemon opens it alone.
//
// What lies in the state folder:
//
//	latchkey.db              the database; every value is sealed
//	latchkey.lock            held while a store is open: one program at a time (hazard T19)
//	latchkey.key             the key, unless the configuration names another
//	installation_id          random, made once, never part of a backup (hazard T4)
//	copies/                  two sealed files an account: its last two records (hazard T16)
//	latchkey.db.damaged-*    a database that could not be read, set aside
//	latchkey.db.replaced-*   what a restored backup replaced
//
// Promises. A [Store.Save] that returns ok is on the disk. A damaged, cut or
// empty database is replaced from what is still readable and from the copies,
// and [Store.Recovered] says so; where nothing can be brought back, Open fails
// with [ErrDamaged] and touches nothing, so that a store is never silently new.
// A wrong or missing key is [ErrKey] and touches nothing either (hazard T17).
// Nothing is written while nothing changes ([Store.BytesWritten]).
//
// Sealing is AES-256-GCM with a random nonce. Each bucket has a key of its own,
// derived by HKDF, and a value is bound to its bucket and its name, so that
// records cannot be swapped. Names (account ids, note names) stand in clear.
// A sum over bucket, name and value tells a damaged value from a wrong key. A large
// record is compressed before ([Record]); nobody but the house chooses what is in one.
//
// bbolt maps its file and trusts it: a bad page is a panic or a memory fault in
// a goroutine of its own, which nobody can recover (bbolt #446, #447). So the
// whole file is read and judged by our own reader before bbolt gets to see it.
//
// The opening log ([Store.Append]) is a ring of sealed records, each authenticated
// with a key derived from the store's and chained to the one before. Its two ends
// are signed, so that [Store.Verify] proves which records are there and that none
// is changed, moved, missing or added. Whatever breaks it, it can be continued,
// and the break stays visible, also through a rekey. It came with schema 2; a
// store of schema 1 is brought there when it is opened, which an older latchkey
// then refuses.
//
// The store owns no goroutine. All methods may be called from any goroutine;
// one write runs at a time, reads do not wait for writes. No callback runs inside
// a transaction.
package store
