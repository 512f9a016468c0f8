-- Evidence dossiers carry the seals over the events in them.

-- Usage: the seal that an event lies under
CREATE UNIQUE INDEX chain_seal_upto ON chain_seal (upto);
