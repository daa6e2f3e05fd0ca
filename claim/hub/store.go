package hub

import (
	"container/list"
	"sync"
)

// A memory keeps answers for one process, the least recently used dropped first.
type memory struct {
	most int // bytes

	mu    sync.Mutex
	size  int
	order *list.List // of *kept, newest first
	byKey map[string]*list.Element
}

type kept struct {
	key string
	answer
}

var _ answers = (*memory)(nil)

func newMemory(most int) *memory {
	return &memory{most: most, order: list.New(), byKey: map[string]*list.Element{}}
}

func (m *memory) load(key string) (answer, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byKey[key]
	if !ok {
		return answer{}, false
	}
	m.order.MoveToFront(e)
	return e.Value.(*kept).answer, true
}

func (m *memory) save(key string, a answer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.byKey[key]; ok {
		m.drop(e)
	}
	m.byKey[key] = m.order.PushFront(&kept{key: key, answer: a})
	m.size += len(a.Body)
	for m.size > m.most && m.order.Len() > 0 {
		m.drop(m.order.Back())
	}
	return nil
}

func (m *memory) drop(e *list.Element) {
	k := m.order.Remove(e).(*kept)
	delete(m.byKey, k.key)
	m.size -= len(k.Body)
}
