package guard

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// queried is the value that a query compares the partition key called name with.
// An index that the table lacks has no such name.
func (c *call) queried(name string) (string, bool) {
	word, rest := next(aws.ToString(c.KeyConditionExpression))
	for ; word != ""; word, rest = next(rest) {
		if c.attribute(word, rest) != name || name == "" {
			continue
		}
		sign, after := next(rest)
		placeholder, _ := next(after)
		v, ok := c.ExpressionAttributeValues[placeholder].(*types.AttributeValueMemberS)
		if ok && sign == "=" {
			return v.Value, true
		}
	}
	return "", false
}

// attributes lists the top-level attributes that a call names: in a row, in a
// key, in any of its expressions. A read without a projection names all, as "*",
// which only the pattern * allows. IAM is less strict: it lets such a read pass
// where the policy does not ask for dynamodb:Select too.
func (c *call) attributes(operation string) []string {
	reads := operation == "GetItem" || operation == "Query"
	if operation == "BatchGetItem" {
		var names []string
		for _, t := range c.RequestItems {
			names = t.appendAttributes(names, true)
		}
		return names
	}
	return c.appendAttributes(make([]string, 0, len(c.Item)+len(c.Key)+8), reads)
}

func (c *call) appendAttributes(names []string, reads bool) []string {
	for _, i := range slices.Concat(c.Keys, []item{c.Key, c.Item}) {
		for name := range i {
			names = append(names, name)
		}
	}
	for _, e := range []*string{c.ConditionExpression, c.FilterExpression, c.KeyConditionExpression, c.ProjectionExpression, c.UpdateExpression} {
		word, rest := next(aws.ToString(e))
		for ; word != ""; word, rest = next(rest) {
			if name := c.attribute(word, rest); name != "" {
				names = append(names, name)
			}
		}
	}
	if reads && c.ProjectionExpression == nil {
		names = append(names, "*")
	}
	return names
}

// keywords are DynamoDB's. They are reserved, so no attribute is written so.
var keywords = []string{"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}

// attribute is the top-level attribute that a word of an expression names,
// followed by rest. It is empty for a sign, a value, a keyword or a function.
func (c *call) attribute(word, rest string) string {
	first := word[0]
	if first != '#' && first != '_' && !letter(first) || slices.ContainsFunc(keywords, func(k string) bool { return strings.EqualFold(k, word) }) {
		return ""
	}
	if follows, _ := next(rest); follows == "(" {
		return ""
	}
	if end := strings.IndexAny(word, ".["); end >= 0 {
		word = word[:end]
	}
	if first == '#' {
		return c.ExpressionAttributeNames[word]
	}
	return word
}

// next splits an expression after its first word: a path, a placeholder, or a
// sign of one byte. The word is empty at the end.
func next(expression string) (word, rest string) {
	expression = strings.TrimLeft(expression, " \t\r\n")
	n := 0
	for n < len(expression) && (letter(expression[n]) || strings.IndexByte("0123456789_#:.[]", expression[n]) >= 0) {
		n++
	}
	if n == 0 && expression != "" {
		n = 1
	}
	return expression[:n], expression[n:]
}

func letter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
