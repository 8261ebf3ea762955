/*
 * json.h
 *	  Building jsonb values field by field.
 */
#ifndef PO_JSON_H
#define PO_JSON_H

#include "core/compat.h"
#include "utils/jsonb.h"

/* A jsonb value under construction; one object or array at the top. */
typedef struct PoJson
{
	PO_JSONB_BUILDER_FIELDS;
} PoJson;

extern void po_json_begin_object(PoJson *json, const char *key);
extern void po_json_end_object(PoJson *json);
extern void po_json_begin_array(PoJson *json, const char *key);
extern void po_json_end_array(PoJson *json);
extern void po_json_text(PoJson *json, const char *key, const char *value);
extern void po_json_float(PoJson *json, const char *key, double value);
extern void po_json_int(PoJson *json, const char *key, int64 value);
extern void po_json_bool(PoJson *json, const char *key, bool value);
extern void po_json_null(PoJson *json, const char *key);
extern void po_json_value(PoJson *json, const char *key, Jsonb *value);
extern Jsonb *po_json_finish(PoJson *json);

#endif							/* PO_JSON_H */
