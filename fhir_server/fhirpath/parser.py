"""Parser: tokens → syntax tree, by precedence climbing.

Source: FHIRPath N1, appendix A, grammar: http://hl7.org/fhirpath/N1/#grammar
"""

from decimal import Decimal

from fhir_server.fhirpath.errors import FHIRPathError, syntax_error
from fhir_server.fhirpath.lexer import Token, TokenKind, tokenize
from fhir_server.fhirpath.syntax import (
    CHAINED,
    NAMES_THOUGH_KEYWORDS,
    POLARITY_PRECEDENCE,
    PRECEDENCE,
    Call,
    Chain,
    Constant,
    EmptyLiteral,
    External,
    Index,
    LoopVariable,
    Member,
    Node,
    Operation,
    Polarity,
    QuantityLiteral,
    TypeOperation,
    children,
)
from fhir_server.fhirpath.temporal import CALENDAR_UNITS
from fhir_server.model.issues import because

MAX_DEPTH = 120
"""Deepest syntax tree; chains of `|`, `and` and `or` count once, whatever their length."""

_RIGHT_OPERAND = {operator: level + 1 for operator, level in PRECEDENCE.items()}


def parse(source: str) -> Node:
    """The syntax tree of an expression. Errors: FHIRPathError with the position."""
    return _Parser(source).whole()


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokenize(source)
        self._at = 0
        self._nesting = 0

    def whole(self) -> Node:
        node = self._expression(0)
        if self._next.kind != "end":
            raise self._unexpected("operator")
        self._check_depth(node)
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, text: str, kind: TokenKind = "symbol") -> bool:
        token = self._tokens[self._at]
        return token.kind == kind and token.text == text

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise self._unexpected("symbol", text)
        self._at += 1

    def _expression(self, minimum: int) -> Node:
        self._nesting += 1
        if self._nesting > MAX_DEPTH:
            raise self._too_deep(self._next.position)
        left = self._unary()
        spine = 0
        while (operator := self._operator(minimum)) is not None:
            spine += 1
            if operator in CHAINED:
                left = self._chain(operator, left)
                continue
            if spine > MAX_DEPTH:
                raise self._too_deep(self._next.position)
            left = self._binary(operator, left)
        self._nesting -= 1
        return left

    def _operator(self, minimum: int) -> str | None:
        token = self._tokens[self._at]
        if token.kind not in {"symbol", "identifier"}:
            return None
        level = PRECEDENCE.get(token.text)
        return token.text if level is not None and level >= minimum else None

    def _binary(self, operator: str, left: Node) -> Node:
        position = self._take().position
        if operator in {"is", "as"}:
            name = self._type_name()
            return TypeOperation(operator, left, name, position=position)  # type: ignore[arg-type]  # is or as
        right = self._expression(_RIGHT_OPERAND[operator])
        return Operation(operator, left, right, position=position)

    def _chain(self, operator: str, first: Node) -> Node:
        position = self._next.position
        operands = [first]
        while self._operator(PRECEDENCE[operator]) == operator:
            self._take()
            operands.append(self._expression(_RIGHT_OPERAND[operator]))
        return Chain(operator, tuple(operands), position=position)  # type: ignore[arg-type]  # one of CHAINED

    def _unary(self) -> Node:
        token = self._next
        if token.kind == "symbol" and token.text in {"+", "-"}:
            self._take()
            operand = self._expression(POLARITY_PRECEDENCE)
            return Polarity(token.text, operand, position=token.position)  # type: ignore[arg-type]  # + or -
        return self._postfix(self._term())

    def _postfix(self, node: Node) -> Node:
        steps = 0
        while True:
            token = self._next
            if self._is("."):
                self._take()
                node = self._invocation(node)
            elif self._is("["):
                self._take()
                index = self._expression(0)
                self._expect("]")
                node = Index(node, index, position=token.position)
            else:
                return node
            steps += 1
            if steps > MAX_DEPTH:
                raise self._too_deep(token.position)

    def _term(self) -> Node:
        token = self._next
        if token.kind == "symbol":
            return self._symbol_term(token)
        if token.kind == "identifier" and token.text in {"true", "false"}:
            self._take()
            return Constant("boolean", token.text == "true", position=token.position)
        if token.kind in {"identifier", "delimited"}:
            return self._invocation(None)
        if token.kind == "end":
            raise self._unexpected("expression")
        return self._literal(self._take())

    def _symbol_term(self, token: Token) -> Node:
        if token.text == "(":
            self._take()
            inner = self._expression(0)
            self._expect(")")
            return inner
        if token.text == "{":
            self._take()
            self._expect("}")
            return EmptyLiteral(position=token.position)
        if token.text == "%":
            self._take()
            return self._external(token)
        if token.text in {"$this", "$index", "$total"}:
            self._take()
            return LoopVariable(token.text, position=token.position)  # type: ignore[arg-type]  # one of the three
        raise self._unexpected("expression")

    def _external(self, sign: Token) -> Node:
        token = self._take()
        if token.kind not in {"identifier", "delimited", "string"}:
            self._at -= 1
            raise self._unexpected("variable")
        return External(token.text, position=sign.position)

    def _invocation(self, target: Node | None) -> Node:
        token = self._next
        if token.kind == "symbol" and token.text in {"$this", "$index", "$total"} and target:
            raise self._unexpected("name")
        plain = token.kind == "identifier" and (
            token.text not in PRECEDENCE or token.text in NAMES_THOUGH_KEYWORDS
        )
        if not plain and token.kind != "delimited":
            raise self._unexpected("name")
        self._take()
        if not self._is("("):
            return Member(target, token.text, position=token.position)
        self._take()
        arguments: list[Node] = []
        if not self._is(")"):
            arguments.append(self._expression(0))
            while self._is(","):
                self._take()
                arguments.append(self._expression(0))
        self._expect(")")
        return Call(target, token.text, tuple(arguments), position=token.position)

    def _type_name(self) -> str:
        parts: list[str] = []
        while True:
            token = self._next
            if token.kind not in {"identifier", "delimited"}:
                raise self._unexpected("type")
            self._take()
            parts.append(token.text)
            if len(parts) == 2 or not self._is("."):
                return ".".join(parts)
            self._take()

    def _literal(self, token: Token) -> Node:
        at = token.position
        if token.kind == "number":
            return self._number(token)
        if token.kind == "string":
            return Constant("string", token.text, position=at)
        return Constant(token.kind, token.text, position=at)  # type: ignore[arg-type]  # date, datetime or time

    def _number(self, token: Token) -> Node:
        unit = self._next
        if unit.kind == "string" or (unit.kind == "identifier" and unit.text in CALENDAR_UNITS):
            self._take()
            calendar = unit.kind == "identifier"
            value = Decimal(token.text)
            return QuantityLiteral(value, unit.text, calendar, position=token.position)
        if len(token.text) > 1000:
            raise syntax_error("fhirpath-long-number", self._source, token.position)
        if "." in token.text:
            return Constant("decimal", Decimal(token.text), position=token.position)
        return Constant("integer", int(token.text), position=token.position)

    def _check_depth(self, root: Node) -> None:
        pending = [(root, 1)]
        while pending:
            node, depth = pending.pop()
            if depth > MAX_DEPTH:
                raise self._too_deep(node.position)
            pending.extend((child, depth + 1) for child in children(node))

    def _too_deep(self, position: int) -> FHIRPathError:
        return syntax_error("fhirpath-too-deep", self._source, position, most=MAX_DEPTH)

    def _unexpected(self, wanted: str, *expected: str) -> FHIRPathError:
        token = self._next
        found = because("because-end") if token.kind == "end" else token.text[:40]
        issue_id = f"fhirpath-expected-{wanted}"
        return syntax_error(
            issue_id, self._source, token.position, expected or (wanted,), found=found
        )
