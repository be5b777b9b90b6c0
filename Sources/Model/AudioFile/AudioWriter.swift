import CSndFile
import Glibc
import Synchronization
import SystemErrors

/// What ``AudioWriter`` writes.
package enum AudioFormat: String, CaseIterable, Sendable {
    /// 16-bit PCM.
    case wav
    /// 24-bit, lossless.
    case flac
    /// Vorbis, quality 0.8 of 1. Its bytes differ from file to file (each has a random stream number), its
    /// audio does not.
    case ogg

    /// Without a dot.
    package var fileExtension: String { rawValue }

    fileprivate var libraryFormat: Int32 {
        switch self {
        case .wav: Int32(SF_FORMAT_WAV | SF_FORMAT_PCM_16)
        case .flac: Int32(SF_FORMAT_FLAC | SF_FORMAT_PCM_24)
        case .ogg: Int32(SF_FORMAT_OGG | SF_FORMAT_VORBIS)
        }
    }
}

/// Writes one channel of audio piece by piece. Until ``finish()`` the file has another name, so a file of the
/// given name is complete.
///
/// Samples beyond ±1 are clipped. WAV and FLAC store the nearest value, without dither, so the same samples
/// give the same bytes.
package final class AudioWriter {
    package let path: String
    package let sampleRate: Int
    package let format: AudioFormat
    /// Samples of a frame lie beside each other.
    package let channels: Int
    private var samplesWritten = 0
    package var framesWritten: Int { samplesWritten / channels }
    /// How many samples were beyond ±1.
    package private(set) var clippedSamples = 0

    private let temporaryPath: String
    private let descriptor: Int32
    private var file: OpaquePointer?
    private var isNamed = false
    private var isAbandoned = false
    private var block = [Float](repeating: 0, count: 4_096)
    private var integers = [Int32](repeating: 0, count: 4_096)

    /// Starts a file beside `path`, whose folder must exist. A file that is there already stays until
    /// ``finish()`` replaces it.
    ///
    /// - Parameters:
    ///   - sampleRate: hertz.
    ///   - channels: 1 or 2.
    /// - Throws: `SystemError` if the file cannot be made, ``AudioFileError`` if the format cannot have the rate.
    package init(path: String, sampleRate: Int, format: AudioFormat, channels: Int = 1) throws {
        precondition((1...2).contains(channels))
        self.channels = channels
        self.path = path
        self.sampleRate = sampleRate
        self.format = format
        guard (1_000...768_000).contains(sampleRate) else {
            throw AudioFileError(path, "cannot be written at \(sampleRate) Hz")
        }
        let number = Self.temporaryFiles.wrappingAdd(1, ordering: .relaxed).newValue
        temporaryPath = "\(path).\(getpid())-\(number).partial"
        descriptor = open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError(path) }
        var info = SF_INFO()
        info.samplerate = Int32(sampleRate)
        info.channels = Int32(channels)
        info.format = format.libraryFormat
        let (file, reason) = openingLock.withLock { _ in
            let file = sf_open_fd(descriptor, Int32(SFM_WRITE), &info, 0)
            return (OpaqueFile(file), file == nil ? String(cString: sf_strerror(nil)) : "")
        }
        guard let file = file.pointer else {
            throw failure("cannot be written as \(format) at \(sampleRate) Hz: \(reason.withoutFullStop)")
        }
        self.file = file
        if format == .ogg {
            var quality = 0.8
            sf_command(file, Int32(SFC_SET_VBR_ENCODING_QUALITY), &quality, Int32(MemoryLayout<Double>.size))
        }
    }

    deinit {
        abandon()
    }

    private static let temporaryFiles = Atomic<UInt64>(0)

    /// Adds samples of full scale ±1: whole frames, left before right.
    ///
    /// - Throws: ``AudioFileError`` if one is no number or the file is finished, `SystemError` if the disk is full.
    ///   After an error the file cannot be finished.
    package func append(_ samples: UnsafeBufferPointer<Float>) throws {
        guard let file else { throw AudioFileError(path, "cannot be added to: it is finished or has failed") }
        precondition(samples.count.isMultiple(of: channels))
        guard format != .wav || samplesWritten + samples.count <= 2_147_000_000 else {
            abandon()
            throw AudioFileError(path, "is too long for WAV (4 GiB); write FLAC")
        }
        // Small blocks, because libsndfile's Vorbis encoder takes all that it is given at once.
        for start in stride(from: 0, to: samples.count, by: block.count) {
            let part = UnsafeBufferPointer(rebasing: samples[start..<min(start + block.count, samples.count)])
            do {
                try clip(part)
                try write(part.count, to: file)
            } catch {
                abandon()
                throw error
            }
            samplesWritten += part.count
        }
    }

    package func append(_ samples: [Float]) throws {
        try samples.withUnsafeBufferPointer { try append($0) }
    }

    /// Completes the file, has it written to the disk, reads its header back, and gives it its name.
    ///
    /// - Throws: ``AudioFileError``, `SystemError`; there is no file of this name then, or still the one before.
    package func finish() throws {
        guard let file else { throw AudioFileError(path, "cannot be finished: it is finished or has failed") }
        do {
            guard samplesWritten > 0 else {
                throw AudioFileError(path, "cannot be written: there is no audio")
            }
            self.file = nil
            let result = sf_close(file)
            guard result == 0 else {
                throw failure("cannot be completed: \(String(cString: sf_error_number(result)).withoutFullStop)")
            }
            guard fsync(descriptor) == 0 else { throw SystemError(path) }
            try checkWrittenFile()
            guard rename(temporaryPath, path) == 0 else { throw SystemError(path) }
        } catch {
            abandon()
            throw error
        }
        close(descriptor)
        isNamed = true
        syncFolder()
    }

    /// Removes what there is of an unfinished file.
    private func abandon() {
        guard !isNamed, !isAbandoned else { return }
        isAbandoned = true
        if let file { sf_close(file) }
        file = nil
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporaryPath)
    }

    private func clip(_ samples: UnsafeBufferPointer<Float>) throws {
        for (index, sample) in samples.enumerated() {
            if abs(sample) <= 1 {
                block[index] = sample
            } else if sample.isNaN {
                throw AudioFileError(
                    path,
                    "sample \(samplesWritten + index) is not a number; orchestrion model "
                        + "inspect --check says where the VQ-VAE's largest weights are")
            } else {
                block[index] = sample < 0 ? -1 : 1
                clippedSamples += 1
            }
        }
    }

    private func write(_ count: Int, to file: OpaquePointer) throws {
        let written: sf_count_t
        if format == .ogg {
            written = sf_write_float(file, block, sf_count_t(count))
        } else {
            // libsndfile takes the high bits of an integer, and would cut the others off.
            let bits = format == .wav ? 16 : 24
            let scale = Float(1 << (bits - 1))
            for index in 0..<count {
                integers[index] = Int32(min((block[index] * scale).rounded(), scale - 1)) << (32 - bits)
            }
            written = sf_write_int(file, integers, sf_count_t(count))
        }
        guard written == count else {
            let reason = String(cString: sf_strerror(file)).withoutFullStop
            throw failure("cannot be written after \(samplesWritten) samples: \(reason)")
        }
    }

    /// A full disk can go unnoticed while libsndfile closes; then the header or the end is missing.
    private func checkWrittenFile() throws {
        let frames: Int
        do {
            frames = try AudioReader(path: temporaryPath).frames
        } catch {
            throw failure("was not written correctly; is the disk full? (\(error))")
        }
        guard frames == framesWritten else {
            throw failure("was not written correctly: \(frames) of \(framesWritten) samples; is the disk full?")
        }
    }

    /// libsndfile does not say what the system refused, so it is tried once more.
    private func failure(_ what: String) -> any Error {
        OutputFile.obstacle(beside: temporaryPath).map { SystemError(path, code: $0.code) }
            ?? AudioFileError(path, what)
    }

    /// Makes the new name last through a power cut; not every file system can, and the file is complete
    /// anyway.
    private func syncFolder() {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
