/*
 * mend.c
 *	  Making normalised statements analysable: second attempts after an error.
 *
 * Where each constant of a statement is replaced by a parameter of its own, some of the
 * analyser's knowledge is lost: which type a constant had, and that two expressions are
 * the same.  The error of an attempt says where, and the next attempt makes up for it:
 *
 *	  GROUP BY date_trunc('day', x)	is that of the list, where it is date_trunc($1, x)
 *	  x = ANY (ARRAY[$1, $2])		is read as x IN ($1, $2)
 *	  $1 + $2						its operands are tried with some types in turn
 *
 * The parse tree is changed in place, by numbers of parameters and kinds of expressions.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "plan/mend.h"

/* Types that constants have, the likeliest first. */
static const Oid candidate_types[] = {
	INT4OID, NUMERICOID, TEXTOID, TIMESTAMPTZOID, INTERVALOID, DATEOID, FLOAT8OID, BOOLOID, JSONBOID, UUIDOID
};

/* ---- GROUP BY ---- */

/* Collects the constants and parameters of an expression in order; a raw_expression_tree_walker callback. */
static bool
collect_leaves(Node *node, List **leaves)
{
	if (node == NULL)
		return false;
	if (IsA(node, ParamRef) || IsA(node, A_Const))
	{
		*leaves = lappend(*leaves, node);
		return false;
	}
	return raw_expression_tree_walker(node, collect_leaves, leaves);
}

/* Returns the constants and parameters of an expression in order. */
static List *
leaves_of(Node *node)
{
	List	   *leaves = NIL;

	(void) collect_leaves(node, &leaves);
	return leaves;
}

/* Makes a parameter of a constant or a parameter, in its place: a constant's node is the larger one. */
static void
make_param(Node *leaf, int number)
{
	ParamRef   *param = (ParamRef *) leaf;
	int			location = IsA(leaf, A_Const) ? ((A_Const *) leaf)->location : param->location;

	StaticAssertStmt(sizeof(A_Const) >= sizeof(ParamRef), "a constant has room for a parameter");
	param->type = T_ParamRef;
	param->number = number;
	param->location = location;
}

/* Tells whether two expressions differ in nothing but parameters: in their numbers, or where one has a constant. */
static bool
equal_but_params(Node *a, Node *b)
{
	List	   *leaves_a;
	List	   *leaves_b;
	ListCell   *lc;
	ListCell   *lc2;

	if (nodeTag(a) != nodeTag(b) || IsA(a, ParamRef) || IsA(a, A_Const))
		return false;
	a = copyObject(a);
	b = copyObject(b);
	leaves_a = leaves_of(a);
	leaves_b = leaves_of(b);
	if (list_length(leaves_a) != list_length(leaves_b))
		return false;
	forboth(lc, leaves_a, lc2, leaves_b)
	{
		if (!IsA(lfirst(lc), ParamRef) && !IsA(lfirst(lc2), ParamRef))
			continue;
		make_param(lfirst(lc), 0);
		make_param(lfirst(lc2), 0);
	}
	return equal(a, b);
}

/* An expression, the one that it is to be the same as, and where to note what it replaces. */
typedef struct GroupSearch
{
	PoMend	   *mend;
	Node	   *model;
	Node	   *found;			/* the first that is like the model */
} GroupSearch;

/* Notes that one parameter stands for another from now on. */
static void
note_replaced(PoMend *mend, int number, int by)
{
	if (number > mend->nreplaced)
	{
		mend->replaced = mend->nreplaced == 0 ? palloc(sizeof(int) * number) :
			repalloc(mend->replaced, sizeof(int) * number);
		memset(mend->replaced + mend->nreplaced, 0, sizeof(int) * (number - mend->nreplaced));
		mend->nreplaced = number;
	}
	mend->replaced[number - 1] = by;
}

/* Makes a constant or parameter the same as the one of the model, which becomes a parameter if either is one. */
static void
share_leaf(PoMend *mend, Node *leaf, Node *model)
{
	int			number;

	if (!IsA(leaf, ParamRef) && !IsA(model, ParamRef))
		return;
	if (!IsA(model, ParamRef))
		make_param(model, ((ParamRef *) leaf)->number);
	number = ((ParamRef *) model)->number;
	if (IsA(leaf, ParamRef) && ((ParamRef *) leaf)->number != number)
		note_replaced(mend, ((ParamRef *) leaf)->number, number);
	make_param(leaf, number);
}

/* Makes expressions that are like the model the same as it; a raw_expression_tree_walker callback. */
static bool
share_params(Node *node, GroupSearch *search)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (node == NULL || node == search->model || IsA(node, SelectStmt))
		return false;
	if (!equal_but_params(node, search->model))
		return raw_expression_tree_walker(node, share_params, search);
	forboth(lc, leaves_of(node), lc2, leaves_of(search->model))
		share_leaf(search->mend, lfirst(lc), lfirst(lc2));
	return false;
}

/* Finds the first expression that is like the model; a raw_expression_tree_walker callback. */
static bool
find_like(Node *node, GroupSearch *search)
{
	if (node == NULL || IsA(node, SelectStmt))
		return false;
	if (equal_but_params(node, search->model))
	{
		search->found = node;
		return true;
	}
	return raw_expression_tree_walker(node, find_like, search);
}

/* Makes the expressions of a SELECT that are like one of its GROUP BY the same as the first of them. */
static void
share_groups(PoMend *mend, SelectStmt *select)
{
	ListCell   *lc;

	foreach(lc, select->groupClause)
	{
		GroupSearch search = {mend, lfirst(lc), NULL};

		if (leaves_of(search.model) == NIL || !find_like((Node *) select->targetList, &search))
			continue;
		search.model = search.found;
		(void) share_params((Node *) select->targetList, &search);
		(void) share_params((Node *) select->groupClause, &search);
		(void) share_params((Node *) select->sortClause, &search);
		(void) share_params((Node *) select->distinctClause, &search);
		(void) share_params(select->havingClause, &search);
	}
}

/* ---- the tree ---- */

/* Makes an IN of a comparison with any element of an array of parameters. */
static void
list_of_array(A_Expr *expr)
{
	if (expr->kind != AEXPR_OP_ANY || !IsA(expr->rexpr, A_ArrayExpr) ||
		strcmp(strVal(llast(expr->name)), "=") != 0 ||
		((A_ArrayExpr *) expr->rexpr)->elements == NIL)
		return;
	expr->kind = AEXPR_IN;
	expr->rexpr = (Node *) ((A_ArrayExpr *) expr->rexpr)->elements;
}

/* Applies what is to be done to a node; a raw_expression_tree_walker callback. */
static bool
mend_node(Node *node, PoMend *mend)
{
	if (node == NULL)
		return false;
	if (IsA(node, A_Expr) && mend->lists)
		list_of_array((A_Expr *) node);
	if (IsA(node, SelectStmt) && mend->groups)
		share_groups(mend, (SelectStmt *) node);
	return raw_expression_tree_walker(node, mend_node, mend);
}

/* Changes a freshly parsed statement as far as the errors so far ask for. */
void
po_mend_apply(PoMend *mend, RawStmt *raw)
{
	mend->nreplaced = 0;
	if (mend->lists || mend->groups)
		(void) mend_node(raw->stmt, mend);
}

/* ---- after an error ---- */

/* Where the analyser gave up, and the expression found there. */
typedef struct PlaceSearch
{
	const char *text;
	int			position;		/* in characters, from 1 */
	Node	   *found;
} PlaceSearch;

/* Finds the operator or function call at a position; a raw_expression_tree_walker callback. */
static bool
find_place(Node *node, PlaceSearch *search)
{
	int			location = -1;

	if (node == NULL)
		return false;
	if (IsA(node, A_Expr))
		location = ((A_Expr *) node)->location;
	else if (IsA(node, FuncCall))
		location = ((FuncCall *) node)->location;
	if (location >= 0 && pg_mbstrlen_with_len(search->text, location) + 1 == search->position)
	{
		search->found = node;
		return true;
	}
	return raw_expression_tree_walker(node, find_place, search);
}

static void collect_operands(Node *node, List **numbers);

/* Applies collect_operands to a list. */
static void
collect_list(List *nodes, List **numbers)
{
	ListCell   *lc;

	foreach(lc, nodes)
		collect_operands(lfirst(lc), numbers);
}

/* Collects the parameters whose type an operand takes on: itself, its own operands, an alternative, an element. */
static void
collect_operands(Node *node, List **numbers)
{
	if (node == NULL)
		return;
	switch (nodeTag(node))
	{
		case T_ParamRef:
			*numbers = list_append_unique_int(*numbers, ((ParamRef *) node)->number);
			break;
		case T_List:
			collect_list((List *) node, numbers);
			break;
		case T_A_ArrayExpr:
			collect_list(((A_ArrayExpr *) node)->elements, numbers);
			break;
		case T_CoalesceExpr:
			collect_list(((CoalesceExpr *) node)->args, numbers);
			break;
		case T_MinMaxExpr:
			collect_list(((MinMaxExpr *) node)->args, numbers);
			break;
		case T_A_Expr:
			if (((A_Expr *) node)->kind != AEXPR_OP)
				break;
			collect_operands(((A_Expr *) node)->lexpr, numbers);
			collect_operands(((A_Expr *) node)->rexpr, numbers);
			break;
		case T_CaseWhen:
			collect_operands((Node *) ((CaseWhen *) node)->result, numbers);
			break;
		case T_CaseExpr:
			collect_list(((CaseExpr *) node)->args, numbers);
			collect_operands((Node *) ((CaseExpr *) node)->defresult, numbers);
			break;
		default:
			break;
	}
}

/* Returns the numbers of the parameters that are operands or arguments of an expression. */
static List *
operands_of(Node *node)
{
	List	   *numbers = NIL;

	if (IsA(node, FuncCall))
		collect_list(((FuncCall *) node)->args, &numbers);
	else
	{
		collect_operands(((A_Expr *) node)->lexpr, &numbers);
		collect_operands(((A_Expr *) node)->rexpr, &numbers);
	}
	return numbers;
}

/* Gives the parameters that are being tried a type. */
static void
set_types(PoMend *mend, Oid type)
{
	ListCell   *lc;

	foreach(lc, mend->tried)
	{
		int			number = lfirst_int(lc);

		if (number > mend->ntypes)
		{
			mend->types = mend->types == NULL ? palloc0(sizeof(Oid) * number) :
				repalloc(mend->types, sizeof(Oid) * number);
			memset(mend->types + mend->ntypes, 0, sizeof(Oid) * (number - mend->ntypes));
			mend->ntypes = number;
		}
		mend->types[number - 1] = type;
	}
}

/* Collects the parameters that lists of columns and of values give out by themselves; a raw_expression_tree_walker callback. */
static bool
collect_outputs(Node *node, List **numbers)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, SelectStmt))
	{
		foreach(lc, ((SelectStmt *) node)->targetList)
			collect_operands(lfirst_node(ResTarget, lc)->val, numbers);
		collect_list(((SelectStmt *) node)->valuesLists, numbers);
	}
	return raw_expression_tree_walker(node, collect_outputs, numbers);
}

/* Starts with the parameters of the expression at a position; false when there is none. */
static bool
begin_operands(PoMend *mend, RawStmt *raw, const char *text, int position)
{
	PlaceSearch search = {text, position, NULL};
	List	   *operands;

	(void) find_place(raw->stmt, &search);
	if (search.found == NULL)
		return false;
	mend->position = position;
	operands = operands_of(search.found);

	/*
	 * The same ones in another place: the type that suits the one did not
	 * suit the other.
	 */
	if (operands != NIL && equal(operands, mend->tried))
		return true;
	mend->tried = operands;
	mend->candidate = 0;
	mend->outputs = false;
	return true;
}

/* Goes on with what lists give out, where it is a column of them that an expression lacks the type of. */
static void
begin_outputs(PoMend *mend, RawStmt *raw)
{
	set_types(mend, InvalidOid);
	mend->tried = NIL;
	mend->candidate = 0;
	mend->outputs = true;
	(void) collect_outputs(raw->stmt, &mend->tried);
}

/* Moves on to the next type for the parameters of the expression at a position; false when there is none left. */
static bool
try_types(PoMend *mend, RawStmt *raw, const char *text, int position)
{
	if (position != mend->position && !begin_operands(mend, raw, text, position))
		return false;
	if (!mend->outputs && (mend->tried == NIL || mend->candidate >= lengthof(candidate_types)))
		begin_outputs(mend, raw);
	if (mend->tried == NIL || mend->candidate >= lengthof(candidate_types))
		return false;
	set_types(mend, candidate_types[mend->candidate++]);
	return true;
}

/*
 * Decides what to do otherwise after an attempt failed with an error at a position (in
 * characters of text, 0: none); raw is text parsed anew, or NULL where it does not parse.
 * Returns false when there is nothing to try.
 */
bool
po_mend_next(PoMend *mend, RawStmt *raw, const char *text, int sqlerrcode, int position)
{
	bool	   *measure = NULL;

	if (sqlerrcode == ERRCODE_SYNTAX_ERROR)
		measure = &mend->type_names;
	else if (sqlerrcode == ERRCODE_GROUPING_ERROR)
		measure = &mend->groups;
	else if (sqlerrcode != ERRCODE_UNDEFINED_FUNCTION && sqlerrcode != ERRCODE_AMBIGUOUS_FUNCTION &&
			 sqlerrcode != ERRCODE_DATATYPE_MISMATCH && sqlerrcode != ERRCODE_INDETERMINATE_DATATYPE)
		return false;
	else if (!mend->lists && strstr(text, "[") != NULL)
		measure = &mend->lists;
	if (measure != NULL)
	{
		if (*measure)
			return false;
		*measure = true;
		return true;
	}
	return raw != NULL && position > 0 && try_types(mend, raw, text, position);
}
