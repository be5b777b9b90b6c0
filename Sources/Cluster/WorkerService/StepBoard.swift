import Foundation
package import SongPlan

/// What the engine has in the step that runs, in memory that outlives its process: so the process that started it can tell
/// what was in hand when it died. A step writes a number or two, and more only when other windows are in it.
package final class StepBoard: @unchecked Sendable {  // whole words, and who reads windows reads them of a dead process
    /// A window of the step.
    package struct Window: Sendable, Hashable {
        package var task: TaskID
        package var epoch: Epoch
    }

    /// Bytes of the memory.
    package static let size = 64 << 10
    private static let (first, stride, longestSong) = (64, 128, 64)
    private static let most = (size - first) / stride

    private enum Place: Int {
        case windows = 0, held = 4, hungSeconds = 8, stoppedItself = 12, stop = 16, ready = 20, drained = 24, turns = 28
        case logLevel = 32
    }

    private let memory: UnsafeMutableRawPointer

    /// - Parameter memory: `size` bytes, which stay; zeros at first.
    package init(memory: UnsafeMutableRawPointer) { self.memory = memory }

    /// - Parameter descriptor: of a file of `size` bytes.
    package convenience init?(descriptor: Int32) {
        guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else { return nil }
        self.init(memory: memory)
    }

    private subscript(place: Place) -> UInt32 {
        get { memory.load(fromByteOffset: place.rawValue, as: UInt32.self) }
        set { memory.storeBytes(of: newValue, toByteOffset: place.rawValue, as: UInt32.self) }
    }

    /// For the next engine. What the coordinator and the operator said of the worker stays.
    package func clear() {
        let (wasDrained, level) = (isDrained, logLevel)
        memset(memory, 0, Self.size)
        (isDrained, logLevel) = (wasDrained, level)
    }

    // MARK: The engine's side

    /// A step begins with the windows that were set last.
    ///
    /// - Parameter held: windows that the worker has.
    func begin(windows: Int, held: Int) {
        self[.held] = UInt32(clamping: held)
        self[.windows] = UInt32(min(windows, Self.most))
    }

    func end() { self[.windows] = 0 }

    func set(_ place: Int, _ task: TaskID, _ epoch: Epoch) {
        guard place < Self.most else { return }
        let entry = memory + Self.first + place * Self.stride
        for (index, number) in [task.sample, task.level, task.window, task.segment].enumerated() {
            entry.storeBytes(of: UInt32(clamping: number), toByteOffset: 4 * index, as: UInt32.self)
        }
        entry.storeBytes(of: epoch, toByteOffset: 16, as: UInt64.self)
        let song = Array(task.song.utf8.prefix(Self.longestSong))
        entry.storeBytes(of: UInt32(song.count), toByteOffset: 24, as: UInt32.self)
        (entry + 32).copyMemory(from: song, byteCount: song.count)
    }

    /// No step ended for so long, and the engine's process is about to end.
    package var hungSeconds: Int {
        get { Int(self[.hungSeconds]) }
        set { self[.hungSeconds] = UInt32(clamping: newValue) }
    }

    /// The model is loaded, and windows may come.
    package var isReady: Bool {
        get { self[.ready] != 0 }
        set { self[.ready] = newValue ? 1 : 0 }
    }

    /// The coordinator gives the worker no windows.
    package var isDrained: Bool {
        get { self[.drained] != 0 }
        set { self[.drained] = newValue ? 1 : 0 }
    }

    /// How often the thread that talks to the coordinator went round: it stands still when that hangs.
    package var turns: UInt32 {
        get { self[.turns] }
        set { self[.turns] = newValue }
    }

    /// A number for how much is to be logged, that the supervisor sets; 0: as it was said at the start.
    package var logLevel: UInt32 {
        get { self[.logLevel] }
        set { self[.logLevel] = newValue }
    }

    /// The process has stopped itself, because the one that started it was stopped.
    package var hasStoppedItself: Bool {
        get { self[.stoppedItself] != 0 }
        set { self[.stoppedItself] = newValue ? 1 : 0 }
    }

    /// The signal on which the worker is to end; 0 until then.
    package var stopSignal: Int32 {
        get { Int32(self[.stop]) }
        set { self[.stop] = UInt32(newValue) }
    }

    // MARK: Afterwards

    /// The windows of the step that ran; none between steps.
    package var windows: [Window] {
        (0..<min(Int(self[.windows]), Self.most)).map { place in
            let entry = memory + Self.first + place * Self.stride
            func number(_ index: Int) -> Int { Int(entry.load(fromByteOffset: 4 * index, as: UInt32.self)) }
            let count = min(Int(entry.load(fromByteOffset: 24, as: UInt32.self)), Self.longestSong)
            let song = String(decoding: UnsafeRawBufferPointer(start: entry + 32, count: count), as: UTF8.self)
            let stream = StreamID(song: song, sample: number(0), level: number(1), segment: number(3))
            return Window(
                task: TaskID(stream: stream, window: number(2)),
                epoch: entry.load(fromByteOffset: 16, as: UInt64.self))
        }
    }

    /// Whether the worker had one window, and no other.
    package var wasAlone: Bool { self[.held] == 1 && self[.windows] == 1 }
}
