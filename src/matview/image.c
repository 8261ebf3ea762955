/*
 * image.c
 *	  Hashing and comparing rows by the stored image of their columns.
 *
 * A refresh has to notice 1.0 that became 1.00 and a citext that changed its
 * case, which the types' own equality does not; NULL equals NULL.  Toasted
 * values count by their content.  Two images of one value may differ (then a
 * row is rewritten needlessly), but equal images are always equal values.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "core/compat.h"
#include "fmgr.h"
#include "matview/image.h"
#include "utils/datum.h"

/* What a NULL adds to a row's hash. */
#define NULL_HASH UINT64CONST(0x9e3779b97f4a7c15)

/* Returns the bits of a by-value datum that its type stores. */
static uint64
stored_bits(Datum value, int16 length)
{
	switch (length)
	{
		case 1:
			return (uint64) (uint8) DatumGetChar(value);
		case 2:
			return (uint64) (uint16) DatumGetInt16(value);
		case 4:
			return (uint64) (uint32) DatumGetInt32(value);
		default:
			return (uint64) value;
	}
}

/* Spreads 64 bits over a hash (the finalizer of splitmix64). */
static inline uint64
mix_bits(uint64 bits)
{
	bits = (bits ^ (bits >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	bits = (bits ^ (bits >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return bits ^ (bits >> 31);
}

/* Hashes a varlena by its content, decompressed and fetched from its toast table. */
static uint64
hash_varlena(Datum value)
{
	struct varlena *plain = PG_DETOAST_DATUM_PACKED(value);
	uint64		hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(plain),
										   VARSIZE_ANY_EXHDR(plain), 0);

	if ((Pointer) plain != DatumGetPointer(value))
		pfree(plain);
	return hash;
}

/* Hashes one value that is not NULL. */
static uint64
hash_value(Datum value, Form_pg_attribute att)
{
	if (att->attbyval)
		return mix_bits(stored_bits(value, att->attlen));
	if (att->attlen == -1)
		return hash_varlena(value);
	return hash_bytes_extended((unsigned char *) DatumGetPointer(value),
							   att->attlen == -2 ? (int) strlen(DatumGetCString(value)) : att->attlen,
							   0);
}

/* Tells whether column i (from 0) is to be looked at; columns NULL means all. */
static inline bool
is_wanted(TupleDesc desc, int i, Bitmapset *columns)
{
	if (TupleDescAttr(desc, i)->attisdropped)
		return false;
	return columns == NULL || bms_is_member(i + 1, columns);
}

/*
 * Returns the hash of a row over the given attribute numbers, or over all when
 * columns is NULL.  May allocate in the current context.
 */
uint64
po_image_hash(TupleTableSlot *slot, Bitmapset *columns)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	uint64		hash = 0;

	slot_getallattrs(slot);
	for (int i = 0; i < desc->natts; i++)
		if (is_wanted(desc, i, columns))
			hash = hash_combine64(hash, slot->tts_isnull[i] ? NULL_HASH :
								  hash_value(slot->tts_values[i], TupleDescAttr(desc, i)));
	return hash;
}

/*
 * Tells whether two rows of one descriptor have the same image in the given
 * attribute numbers, or in all when columns is NULL.  May allocate in the
 * current context.
 */
bool
po_image_equal(TupleTableSlot *a, TupleTableSlot *b, Bitmapset *columns)
{
	TupleDesc	desc = a->tts_tupleDescriptor;

	slot_getallattrs(a);
	slot_getallattrs(b);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!is_wanted(desc, i, columns))
			continue;
		if (a->tts_isnull[i] != b->tts_isnull[i])
			return false;
		if (!a->tts_isnull[i] &&
			!datum_image_eq(a->tts_values[i], b->tts_values[i], att->attbyval, att->attlen))
			return false;
	}
	return true;
}
