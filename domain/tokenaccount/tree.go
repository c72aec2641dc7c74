package tokenaccount

import (
	"hash/fnv"
	"iter"
)

// tree is an immutable map in the order of its keys: a treap with path copying
// (Seidel and Aragon, Randomized Search Trees, 1996). Changing it costs
// O(log n) and leaves the tree before the change as it was. The priorities are
// hashes of the keys, so that equal contents have equal shapes. The zero tree
// is empty.
type tree[V any] struct{ root *node[V] }

type node[V any] struct {
	key         Reference
	value       V
	priority    uint64
	left, right *node[V]
}

func priorityOf(key Reference) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key.ID))
	// FNV leaves similar keys with similar high bits: finish as MurmurHash3 does.
	x := h.Sum64() ^ uint64(key.At.UnixMilli())
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func (t tree[V]) get(key Reference) (V, bool) {
	for n := t.root; n != nil; {
		switch c := key.compare(n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n.value, true
		}
	}
	var none V
	return none, false
}

func (t tree[V]) put(key Reference, value V) tree[V] {
	below, above := t.root.split(key)
	return tree[V]{join(join(below, &node[V]{key: key, value: value, priority: priorityOf(key)}), above)}
}

func (t tree[V]) remove(key Reference) tree[V] {
	below, above := t.root.split(key)
	return tree[V]{join(below, above)}
}

// after is the tree without the keys whose time is before the key's.
func (t tree[V]) after(key Reference) tree[V] {
	if first := t.first(); first == nil || first.key.compare(key) >= 0 {
		return t
	}
	at, found := t.get(key)
	_, above := t.root.split(key)
	if found {
		return tree[V]{above}.put(key, at)
	}
	return tree[V]{above}
}

func (t tree[V]) first() *node[V] {
	n := t.root
	for n != nil && n.left != nil {
		n = n.left
	}
	return n
}

// all yields the contents in the order of the keys.
func (t tree[V]) all() iter.Seq2[Reference, V] {
	return func(yield func(Reference, V) bool) { t.root.walk(yield) }
}

func (n *node[V]) walk(yield func(Reference, V) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.key, n.value) && n.right.walk(yield)
}

// split returns what is below and what is above the key, without the key.
func (n *node[V]) split(key Reference) (below, above *node[V]) {
	if n == nil {
		return nil, nil
	}
	c := key.compare(n.key)
	if c == 0 {
		return n.left, n.right
	}
	copied := *n
	if c < 0 {
		below, copied.left = n.left.split(key)
		return below, &copied
	}
	copied.right, above = n.right.split(key)
	return &copied, above
}

// join puts two trees together, all of whose keys are in order.
func join[V any](below, above *node[V]) *node[V] {
	switch {
	case below == nil:
		return above
	case above == nil:
		return below
	case below.priority > above.priority:
		copied := *below
		copied.right = join(below.right, above)
		return &copied
	default:
		copied := *above
		copied.left = join(below, above.left)
		return &copied
	}
}
