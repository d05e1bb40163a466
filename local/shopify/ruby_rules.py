"""graphql-ruby's static rules, where codes, messages or paths differ from graphql-core's."""

from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputObjectType,
    InlineFragmentNode,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValidationContext,
    ValidationRule,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    print_ast,
)
from graphql.utilities import type_from_ast


class RubyRule(ValidationRule):
    """A rule that reports graphql-ruby's path: the operation, then fields by response key, then the argument."""

    def report(self, node: Node, ancestors: list[Any], message: str, code: str, **extensions: Any) -> None:
        steps = [step for each in (*ancestors, node) if isinstance(each, Node) for step in _step(each)]
        self.report_error(GraphQLError(message, node, extensions={"code": code, **extensions, "path": steps}))


def _step(node: Node) -> list[str]:
    match node:
        case OperationDefinitionNode():
            return [f"{node.operation.value} {node.name.value}" if node.name else node.operation.value]
        case FieldNode():
            return [node.alias.value if node.alias else node.name.value]
        case FragmentDefinitionNode():
            return [f"fragment {node.name.value}"]
        case InlineFragmentNode():
            return [f"... on {node.type_condition.name.value}" if node.type_condition else "..."]
        case ArgumentNode() | ObjectFieldNode():
            return [node.name.value]
        case _:
            return []


class FieldRule(RubyRule):
    """undefinedField and selectionMismatch."""

    context: ValidationContext

    def enter_field(self, node: FieldNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> None:
        parent = self.context.get_parent_type()
        definition = self.context.get_field_def()
        name = node.name.value
        if parent is not None and definition is None:
            message = f"Field '{name}' doesn't exist on type '{parent.name}'"
            self.report(node, ancestors, message, "undefinedField", typeName=parent.name, fieldName=name)
        if definition is None:
            return
        returned = get_named_type(definition.type)
        if is_leaf_type(returned) and node.selection_set:
            fields = ", ".join(print_ast(s).split("\n")[0] for s in node.selection_set.selections)
            message = (
                f"Selections can't be made on scalars (field '{name}' returns {returned.name} "
                f"but has selections [{fields}])"
            )
        elif not is_leaf_type(returned) and not node.selection_set:
            message = (
                f"Field must have selections (field '{name}' returns {returned.name} but has no selections. "
                f"Did you mean '{name} {{ ... }}'?)"
            )
        else:
            return
        self.report(node, ancestors, message, "selectionMismatch", nodeName=f"field '{name}'", typeName=returned.name)


class ArgumentRule(RubyRule):
    """argumentNotAccepted, missingRequiredArguments, argumentLiteralsIncompatible, on fields and input objects."""

    context: ValidationContext

    def enter_field(self, node: FieldNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> None:
        definition = self.context.get_field_def()
        if definition is None:
            return
        given = {argument.name.value for argument in node.arguments or ()}
        name = node.name.value
        for argument in node.arguments or ():
            if argument.name.value not in definition.args:
                message = f"Field '{name}' doesn't accept argument '{argument.name.value}'"
                self.report(
                    argument,
                    [*ancestors, node],
                    message,
                    "argumentNotAccepted",
                    name=name,
                    typeName="Field",
                    argumentName=argument.name.value,
                )
        missing = [n for n, each in definition.args.items() if is_required_argument(each) and n not in given]
        if missing:
            names = ", ".join(missing)
            message = f"Field '{name}' is missing required arguments: {names}"
            self.report(
                node,
                ancestors,
                message,
                "missingRequiredArguments",
                className="Field",
                name=name,
                arguments=names,
            )
        for argument in node.arguments or ():
            if argument.name.value in definition.args:
                wanted = definition.args[argument.name.value].type
                self._check(argument, wanted, [*ancestors, node], f"Field '{name}'", "Field")

    def _check(
        self, node: ArgumentNode | ObjectFieldNode, wanted: Any, ancestors: list[Any], owner: str, kind: str
    ) -> None:
        """Check a literal against its input type, variables aside."""
        if not self._fits(node.value, wanted, [*ancestors, node]):
            name = node.name.value
            value = "null" if isinstance(node.value, NullValueNode) else print_ast(node.value)
            message = f"Argument '{name}' on {owner} has an invalid value ({value}). Expected type '{wanted}'."
            self.report(node, ancestors, message, "argumentLiteralsIncompatible", typeName=kind, argumentName=name)

    def _fits(self, value: Any, wanted: Any, ancestors: list[Any]) -> bool:
        if isinstance(value, VariableNode):
            return True
        if isinstance(value, NullValueNode):
            return not is_non_null_type(wanted)
        wanted = get_nullable_type(wanted)
        if is_list_type(wanted):
            items = value.values if isinstance(value, ListValueNode) else [value]
            return all(self._fits(item, wanted.of_type, ancestors) for item in items)
        if isinstance(wanted, GraphQLInputObjectType):
            if not isinstance(value, ObjectValueNode):
                return False
            self._check_object(value, wanted, ancestors)
            return True
        try:
            wanted.parse_literal(value)
        except (GraphQLError, ValueError, TypeError):
            return False
        return True

    def _check_object(self, value: ObjectValueNode, wanted: GraphQLInputObjectType, ancestors: list[Any]) -> None:
        given = {field.name.value: field for field in value.fields}
        for name, field in given.items():
            if name not in wanted.fields:
                message = f"InputObject '{wanted.name}' doesn't accept argument '{name}'"
                self.report(
                    field,
                    ancestors,
                    message,
                    "argumentNotAccepted",
                    name=wanted.name,
                    typeName="InputObject",
                    argumentName=name,
                )
            else:
                owner = f"InputObject '{wanted.name}'"
                self._check(field, wanted.fields[name].type, ancestors, owner, "InputObject")
        for name, definition in wanted.fields.items():
            if is_required_input_field(definition) and name not in given:
                message = (
                    f"Argument '{name}' on InputObject '{wanted.name}' is required. Expected type {definition.type}"
                )
                self.report(
                    value,
                    ancestors,
                    message,
                    "missingRequiredInputObjectAttribute",
                    argumentName=name,
                    argumentType=str(definition.type),
                    inputObjectType=wanted.name,
                )


class DirectiveRule(RubyRule):
    """undefinedDirective, directiveCannotBeApplied, and a directive's own arguments."""

    context: ValidationContext

    def enter_directive(self, node: DirectiveNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> None:
        name = node.name.value
        definition = self.context.schema.get_directive(name)
        if definition is None:
            self.report(node, ancestors, f"Directive @{name} is not defined", "undefinedDirective", directiveName=name)
            return
        target = next(each for each in reversed(ancestors) if isinstance(each, Node))
        location, words = _target(target)
        if location not in {each.name for each in definition.locations}:
            allowed = ", ".join(f"{each.value}s" for each in definition.locations)
            message = f"'@{name}' can't be applied to {words} (allowed: {allowed})"
            self.report(node, ancestors, message, "directiveCannotBeApplied", targetName=words, name=name)
        given = {argument.name.value for argument in node.arguments or ()}
        missing = [n for n, each in definition.args.items() if is_required_argument(each) and n not in given]
        if missing:
            names = ", ".join(missing)
            message = f"Directive '{name}' is missing required arguments: {names}"
            self.report(
                node,
                ancestors,
                message,
                "missingRequiredArguments",
                className="Directive",
                name=name,
                arguments=names,
            )


def _target(node: Node) -> tuple[str, str]:
    """A directive's location, and graphql-ruby's name for it."""
    match node:
        case OperationDefinitionNode():
            word = {"query": "queries", "mutation": "mutations"}.get(node.operation.value, "subscriptions")
            return node.operation.value.upper(), word
        case FragmentSpreadNode():
            return "FRAGMENT_SPREAD", "fragment spreads"
        case InlineFragmentNode():
            return "INLINE_FRAGMENT", "inline fragments"
        case FragmentDefinitionNode():
            return "FRAGMENT_DEFINITION", "fragment definitions"
        case _:
            return "FIELD", "fields"


class UnusedVariableRule(RubyRule):
    """variableNotUsed."""

    context: ValidationContext

    def leave_operation_definition(
        self, node: OperationDefinitionNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]
    ) -> None:
        used = {usage.node.name.value for usage in self.context.get_recursive_variable_usages(node)}
        owner = node.name.value if node.name else f"anonymous {node.operation.value}"
        for definition in node.variable_definitions or ():
            name = definition.variable.name.value
            if name not in used and type_from_ast(self.context.schema, definition.type):
                message = f"Variable ${name} is declared by {owner} but not used"
                self.report(node, ancestors, message, "variableNotUsed", variableName=name)
