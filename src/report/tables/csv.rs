//! Every figure with all its estimates, a row each: for other programs.

use crate::report::metric::{METRICS, headline};
use crate::report::statistics::Bootstrap;
use crate::results::Results;

/// The rows, a header before them.
#[must_use]
pub fn csv(results: &Results) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let put = |writer: &mut ::csv::Writer<Vec<u8>>, row: &[String]| {
        writer.write_record(row).expect("memory takes all that is written");
    };
    let header = "benchmark,variant,metric,seeds,diverged,failed,unfinished,n,mean,mean_low,mean_high,median,\
                  median_low,median_high,iqm,iqm_low,iqm_high,resamples,bootstrap_seed,damaged";
    put(&mut writer, &header.split(',').map(str::to_owned).collect::<Vec<_>>());
    let bootstrap = Bootstrap::TABLES;
    let headlines: Vec<_> = (0..results.benchmarks.len()).map(|b| headline(results, b)).collect();
    for cell in &results.cells {
        let tally = cell.tally();
        for metric in METRICS {
            let values = cell.metric(metric.name).into_values().collect();
            let estimate = bootstrap.estimate(&[values]);
            // A variant all of whose runs diverged still has its row, with its counts.
            if estimate.is_none() && metric != headlines[cell.benchmark] {
                continue;
            }
            let mut row = vec![
                results.benchmarks[cell.benchmark].clone(),
                results.variants[cell.variant].clone(),
                metric.name.to_owned(),
            ];
            let counts = [tally.runs(), tally.diverged, tally.failed, tally.unfinished];
            row.extend(counts.map(|count| count.to_string()));
            row.push(estimate.map_or(0, |e| e.n).to_string());
            for interval in estimate.map_or([None; 3], |e| [e.mean, e.median, e.iqm].map(Some)) {
                let numbers = interval.map_or([None; 3], |i| [i.value, i.low, i.high].map(Some));
                row.extend(numbers.map(|x| x.map_or_else(String::new, |x| x.to_string())));
            }
            row.extend([bootstrap.resamples.to_string(), bootstrap.seed.to_string()]);
            row.push(tally.damaged.to_string());
            put(&mut writer, &row);
        }
    }
    let bytes = writer.into_inner().expect("memory takes all that is written");
    String::from_utf8(bytes).expect("strings were written")
}
