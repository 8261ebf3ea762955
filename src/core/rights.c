/*
 * rights.c
 *	  What a role may know.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "core/rights.h"
#include "utils/acl.h"
#include "utils/rls.h"

/*
 * Tells whether a role may know what the statistics say of a relation as a whole: it may read all of its columns, as a whole or
 * one by one, and row security hides no row from it; or it may read all statistics.  A right on some columns is too little: a
 * figure of the relation tells of the others too.
 */
bool
po_rights_may_know(Oid relid, Oid role)
{
	if (has_privs_of_role(role, ROLE_PG_READ_ALL_STATS))
		return true;
	if (pg_class_aclcheck(relid, role, ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, role, ACL_SELECT, ACLMASK_ALL) != ACLCHECK_OK)
		return false;
	return check_enable_rls(relid, role, true) != RLS_ENABLED;
}
