"""One oracle: from what devices sign to what the chain does. Where a reading becomes what, in its order:

* a segment of the log: `ingest` (decides), `admission` (its rules), `log`; before it `http_intake`, `batch`
* a peer's segment: `pull`, on a thread a peer (`links`)
* an observation: `slots` (which slots have ended), `observe` (one figure of one slot), `aggregate`, `quality`
* a report and a round: `rounds` (the protocol), `agreement` (its arithmetic), `anchored` (what final blocks hold)
* a rule's firing and its execution: `execution` (follows rounds, acts), `rules` (when a rule fires, and why), `firings`
* an answer: `figures`, over `http_judgement`; who may read what: `access`

`app` puts them together, `node` is the chain, `store` and `database` are the disk, `formats` is what travels.
"""
