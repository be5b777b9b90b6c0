#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An owner of aligned memory for `count` elements.
///
/// Shared freely between threads: whoever hands pieces of it to a `ThreadTeam` keeps the written ones apart.
// Sendable: the address and count never change; the contents are the callers' to keep apart.
package final class Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
    /// The first element, on a 64-byte boundary (2 MiB when the buffer is large).
    package let pointer: UnsafeMutablePointer<Element>
    package let count: Int
    /// Who else keeps the memory; nil when it is this buffer's own.
    private let owner: AnyObject?

    /// Memory for `count` elements, with undefined contents unless `zeroed`.
    ///
    /// - Precondition: `count >= 0`, and the system has the memory.
    package init(count: Int, zeroed: Bool = false) {
        precondition(count >= 0, "a buffer cannot hold \(count) elements")
        let bytes = max(count * MemoryLayout<Element>.stride, 1)
        let alignment = bytes >= largeBufferBytes ? hugePageBytes : 64
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, alignment, bytes) == 0, let memory else {
            preconditionFailure("out of memory: a buffer of \(bytes) bytes was refused")
        }
        if bytes >= largeBufferBytes { adviseHugePages(memory, bytes) }
        if zeroed { memset(memory, 0, bytes) }
        self.pointer = memory.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
        owner = nil
    }

    /// Memory that belongs to `owner`, which lives as long as the buffer.
    package init(borrowing pointer: UnsafeMutablePointer<Element>, count: Int, of owner: AnyObject) {
        self.pointer = pointer
        self.count = count
        self.owner = owner
    }

    /// A copy of `elements`.
    package convenience init(_ elements: [Element]) {
        self.init(count: elements.count)
        elements.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { pointer.update(from: base, count: source.count) }
        }
    }

    deinit { if owner == nil { free(pointer) } }

    /// All elements.
    package var elements: UnsafeMutableBufferPointer<Element> {
        UnsafeMutableBufferPointer(start: pointer, count: count)
    }

    /// Size of the elements in bytes.
    package var byteCount: Int { count * MemoryLayout<Element>.stride }

    /// Element `index`, which is checked in debug builds only.
    package subscript(index: Int) -> Element {
        get {
            assert(index >= 0 && index < count)
            return pointer[index]
        }
        set {
            assert(index >= 0 && index < count)
            pointer[index] = newValue
        }
    }
}

private let hugePageBytes = 2 << 20
/// From here on the alignment of a huge page costs little, and streaming misses the TLB less with it.
private let largeBufferBytes = 4 << 20

private func adviseHugePages(_ memory: UnsafeMutableRawPointer, _ bytes: Int) {
    #if os(Linux)
        let hugePages: Int32 = 14  // MADV_HUGEPAGE; only advice, so a refusal does not matter
        _ = madvise(memory, bytes, hugePages)
    #endif
}
